// SPDX-License-Identifier: BSD-3-Clause
// The inside of TCP: what the tcp_*.c share. See README-tcp.md for how a segment goes through them.
//
// Locks: connection.lock guards all of a connection but what stands in its entry and socket; one
// at a time, no two connections' locks are held at once. Inside it: the buckets of tcp_table, the
// port table, tcp_time_waits.lock, the timers' lock, wait queues. ip_send may be called with it.
#pragma once

#include "net/inet.h"
#include "net/mib.h"
#include "net/packet.h"
#include "net/settings.h"
#include "net/tcp.h"
#include "net/tcp_congestion.h"
#include "net/tcp_options.h"
#include "net/tcp_sequence.h"
#include "thread/timer.h"
#include "thread/wait.h"

#define MILLISECOND 1000000ull
#define SECOND      1000000000ull

#define TCP_PROTOCOL        6 // IPPROTO_TCP
#define TCP_RTO_MIN         (200 * MILLISECOND)
#define TCP_RTO_MAX         (120 * SECOND)
#define TCP_RTO_INITIAL     (1 * SECOND)
#define TCP_DELAYED_ACK     (40 * MILLISECOND)
#define TCP_OVERRIDE        (100 * MILLISECOND) // RFC 9293 3.8.6.2.1 (4)
#define TCP_TIME_WAIT       (60 * SECOND)
#define TCP_ORPHAN_RETRIES  8
#define TCP_MSS_MIN         48u
#define TCP_BUFFER_MAX      (16u << 20) // that the window scale is for
#define TCP_SEND_INITIAL    (256u << 10)
#define TCP_SEGMENT_MAX     65440u // bytes of payload handed down at once; no MSS is larger
#define TCP_TIMESTAMP_SIZE  12u
#define TCP_PENDING_MAX     4096u // packets out of order

// A place in the table of connections: the four numbers that tell who a segment is for.
struct tcp_key {
    struct ip_address local, remote;
    u16 local_port, remote_port;
};

enum tcp_kind { TCP_CONNECTION, TCP_REQUEST, TCP_REMNANT };

struct tcp_entry {
    struct list node; // of a bucket, guarded by its lock
    struct tcp_key key;
    u32 references; // atomic: the table's and the users'
    u8 kind;
    bool hashed; // guarded by the bucket's lock
};

// A received segment, parsed.
struct tcp_segment {
    struct packet *packet; // data at the payload; NULL once it has been queued
    struct tcp_key key;
    u32 sequence, acknowledgment;
    u32 end;     // sequence behind it; SYN and FIN count
    u32 window;  // as in the header, not scaled
    u32 payload; // bytes
    u16 urgent;
    u8 flags;
    struct tcp_options options;
};

enum tcp_timer_kind {
    TCP_TIMER_RETRANSMIT, // RTO
    TCP_TIMER_PROBE,      // tail loss probe [RFC 8985, 7]
    TCP_TIMER_REORDER,    // RACK's
    TCP_TIMER_PERSIST,    // a window of zero, or too small
    TCP_TIMER_ACK,        // delayed
    TCP_TIMER_KEEP_ALIVE,
    TCP_TIMER_FIN,      // FIN_WAIT_2 of a closed socket
    TCP_TIMER_REQUESTS, // of a listener: SYN-ACKs
    TCP_TIMER_COUNT
};

enum tcp_recovery { RECOVERY_NONE, RECOVERY_FAST, RECOVERY_TIMEOUT };

#define RECORD_SACKED        1u
#define RECORD_LOST          2u
#define RECORD_RETRANSMITTED 4u // and that transmission counts as under way
#define RECORD_REPEATED      8u // ever sent twice: no RTT from it [Karn]

struct tcp_record { // something sent and not acknowledged
    struct list node;
    u32 start, end; // FIN counts, SYN does not get here
    u32 flags;      // RECORD_*
    u64 sent;       // last time
};

struct tcp_block { // bytes of the stream to be sent: packet_data [offset, offset + size) from
                   // `start`
    struct list node;
    struct packet_data *data;
    u32 start, offset, size;
};

struct tcp_send_queue {
    struct list blocks;              // all from una on
    struct list records;             // in order of sequence, from una to next
    u32 una, next, end;              // oldest unacknowledged, next new, behind all that was written
    u32 sacked, lost, retransmitted; // bytes of records with the flag
    u32 pushed;                      // `end` at the last push (PSH)
    u32 highest_sacked;
    struct tcp_block *next_block; // that holds `next`, or NULL: look for it
};

struct tcp_receive_queue {
    struct list packets; // in order, from `copied` to `next`
    struct list pending; // out of order
    u32 next, copied;
    u32 bytes; // in packets, not yet copied
    u32 pending_bytes, pending_count;
    u64 charge;                            // memory of both
    struct tcp_range recent[TCP_SACK_MAX]; // SACK blocks, the newest first [RFC 2018, 4]
    u32 recent_count;
    bool fin_known, fin_reached;
    u32 fin_sequence;
    struct tcp_range duplicate; // D-SACK to report [RFC 2883]; start == end: none
};

enum tcp_urgent { URGENT_NONE, URGENT_AHEAD, URGENT_HERE, URGENT_READ };

struct tcp_connection {
    struct inet_socket inet; // first: see inet.h
    struct tcp_entry entry;
    struct lock lock; // all below
    u64 now;          // see connection_now; 0: not looked at yet
    enum tcp_state state;
    bool orphan; // the file has gone
    bool shut_read, shut_write;
    bool remote_set; // the key is complete: connected, or trying to be, or was
    bool active, established_once, connect_reported; // of connect(2)
    bool fin_wanted, fin_sent;                       // FIN stands at send.end
    bool fin_received;
    struct route route;
    bool route_valid;

    // Sending
    struct tcp_send_queue send;
    u32 iss, send_window, send_wl1, send_wl2, send_window_max;
    u8 send_scale, receive_scale;
    bool sack, timestamps; // agreed on
    u16 peer_mss;
    u32 mss;                   // payload of a segment that has only timestamps as options
    u32 user_mss;              // TCP_MAXSEG, 0: none
    bool no_delay, cork, more; // more: MSG_MORE of the last write
    bool tell_left;            // TCP_INQ
    u32 urgent_end;            // SND.UP, valid while urgent_sending
    bool urgent_sending;
    u64 last_sent, last_received;
    struct tcp_congestion congestion;
    enum tcp_recovery recovery;
    u32 recover_point; // recovery ends when this is acknowledged
    u32 duplicate_acks;
    bool window_limited; // the congestion window was what held us back
    struct tcp_reduction {
        u32 flight;          // when the recovery began
        u32 delivered, sent; // bytes since
    } reduction;             // PRR, of a fast recovery with SACK
    u32 probe_end;           // of the tail loss probe under way; 0: none
    u32 probes;              // without an answer
    bool probe_duplicate;    // a D-SACK has come since the probe
    bool repeat_now;         // a recovery has begun: one segment regardless of the window
    u32 recoveries;
    u32 reorder_steps;               // RACK waits so many quarters of the least round trip
    u32 undo_window, undo_threshold; // as before this recovery; 0: it cannot be undone
    u32 undo_count;                  // segments repeated in it, less those that came twice
    u32 undo_stamp;                  // timestamp of the first of them
    bool reordering;                 // seen: RACK waits
    u64 rack_sent;                   // of the newest transmission known to have arrived
    u32 rack_end;
    u64 rack_rtt;

    // Round trips and time
    u64 rtt, rtt_variance, rtt_min, rto; // ns; rtt 0: no sample yet
    u32 backoff;
    u64 stalled_since;              // first retransmission or probe without answer; 0: none
    u32 retries;                    // SYNs, probes
    u64 deadlines[TCP_TIMER_COUNT]; // 0: off
    struct timer timer;             // the earliest of them
    u64 timer_at;                   // armed for; 0: not
    u32 timestamp_offset, timestamp_recent, timestamp_echoed_at;
    u64 timestamp_recent_time; // ns
    u64 user_timeout;          // ns, 0: none
    u64 keep_idle, keep_interval;
    u32 keep_count, keep_probes;
    u32 syn_retries, defer_accept, linger2;

    // Receiving
    struct tcp_receive_queue receive;
    u32 irs, receive_window, window_edge; // as last announced
    u32 last_ack_sent;
    u32 ack_pending;     // bytes received since the last ACK
    u32 quick_acks;      // so many ACKs at once
    bool quick_ack_mode; // TCP_QUICKACK
    bool ack_now;
    u32 receive_mss;              // guess of the peer's segment size
    u32 space;                    // receive space: what the window may at most be
    bool space_fixed, send_fixed; // SO_RCVBUF, SO_SNDBUF
    u32 receive_auto, send_auto;  // what the buffers' sizes are without being set
    u32 window_clamp;             // TCP_WINDOW_CLAMP
    u32 tune_copied, tune_space;  // auto-tuning: `copied` at tune_time
    u64 tune_time;
    u64 receive_rtt; // ns
    u32 receive_rtt_sequence;
    u64 receive_rtt_time;
    enum tcp_urgent urgent;
    u32 urgent_sequence; // of the urgent byte
    u8 urgent_byte;
    u64 syn_sent_time;

    // Listening
    u32 backlog;
    struct list requests; // of tcp_request.node
    u32 request_count;
    bool assume;              // some request is `due`
    struct list expired;      // requests to be put when the lock is let go
    struct list accept_queue; // children, by accept_node
    u32 accept_count;
    u64 cookies_until;       // cookies are accepted until then
    struct list accept_node; // guarded by the listener's lock
    struct list listen_node; // of a bucket of listeners, guarded by its lock
    struct list batch_node;  // of a batch of received segments, see tcp_batch.c
    bool in_batch;
    u8 torn; // its holder was killed: see repair_now
    bool in_listeners;
    u16 listen_port;

    struct wait_queue read_wait, write_wait;
    u32 puts;             // references to give up then, too
    u32 wake;             // poll events to tell when the lock is let go
    int soft_error;       // of ICMP, reported if the connection times out
    u32 repeated_acks;    // ACKs in a row that said the same
    u64 repeated_time;    // of the last one
    u64 challenge_second; // RFC 5961 limits, per connection
    u32 challenge_count;
    struct tcp_counters {
        u64 segments_out, segments_in, bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
        u32 retransmissions, data_segments_out, data_segments_in;
    } counters;
    char congestion_name[16];
};

static inline struct tcp_connection *tcp_of(struct socket *s)
{
    return container_of(inet_of(s), struct tcp_connection, inet);
}

static inline struct tcp_connection *tcp_of_entry(struct tcp_entry *e)
{
    return container_of(e, struct tcp_connection, entry);
}

// tcp_connection.c: life
must_check struct tcp_connection *connection_new(int family); // one reference; NULL: no memory
void connection_get(struct tcp_connection *c);
void connection_put(struct tcp_connection *c); // no connection's lock held
void connection_lock(struct tcp_connection *c);
void connection_unlock(struct tcp_connection *c); // also wakes whom c->wake says
// CLOCK_MONOTONIC, read once while the lock is held: a segment asks ten times. Who has slept, or
// copied much, sets c->now to 0.
u64 connection_now(struct tcp_connection *c);
// Established: window, buffers, MSS from what was agreed on.
void connection_start(struct tcp_connection *c);
// The end: leaves table and ports, forgets all data to send. error: positive errno, 0: none. Lock
// held.
void connection_finish(struct tcp_connection *c, int error);
void connection_abort(struct tcp_connection *c,
                      int error);                    // with an RST if the peer may know of it
void connection_time_wait(struct tcp_connection *c); // its remnant stays in the table
must_check int
connection_route(struct tcp_connection *c); // finds one anew if need be, and sets mss
void connection_set_mss(struct tcp_connection *c);
void connection_shut_write(struct tcp_connection *c); // FIN behind what is queued
void connection_close(
    struct tcp_connection *c); // the file has gone; takes its reference. No lock held
bool connection_synchronised(const struct tcp_connection *c);
u64 connection_fin_timeout(const struct tcp_connection *c); // how long FIN_WAIT_2 lasts without a file

// tcp_table.c: all that is in some state but LISTEN; and listeners
u64 tcp_key_hash(const struct tcp_key *k);
bool tcp_table_insert(struct tcp_entry *e); // takes a reference; false: the key is taken
// True: it was there, and the table's reference is now the caller's.
must_check bool tcp_table_remove(struct tcp_entry *e);
// `new` takes the place of `old`, atomically. True: done, the reference to old is the caller's.
must_check bool tcp_table_replace(struct tcp_entry *old, struct tcp_entry *new);
struct tcp_remnant;
struct tcp_entry *tcp_table_find(const struct tcp_key *k);           // referenced, or NULL
struct tcp_remnant *tcp_table_find_remnant(const struct tcp_key *k); // only such
void tcp_entry_put(struct tcp_entry *e);                             // of any kind
void tcp_listeners_add(struct tcp_connection *c);
bool tcp_listeners_remove(struct tcp_connection *c);
struct tcp_connection *tcp_listener_find(const struct tcp_key *k, const struct packet *p);

// tcp_input.c, tcp_input_ack.c, tcp_receive_queue.c
bool segment_parse(struct packet *p, struct tcp_segment *out);
void connection_input(struct tcp_connection *c, struct tcp_segment *s);           // lock held
bool connection_input_ack(struct tcp_connection *c, const struct tcp_segment *s); // false: drop it
void connection_update_window(struct tcp_connection *c, const struct tcp_segment *s);
void connection_challenge(struct tcp_connection *c);                                 // [RFC 5961]
void connection_note_options(struct tcp_connection *c, const struct tcp_options *o); // of a SYN
void receive_queue_init(struct tcp_receive_queue *q, u32 next);
void receive_queue_free(struct tcp_receive_queue *q);
// Takes the segment's payload; s->packet becomes NULL if it was kept. Returns the bytes by which
// `next` advanced; *out_fin: a FIN was reached.
u32 receive_queue_add(struct tcp_connection *c, struct tcp_segment *s, bool *out_fin);
void receive_queue_consume(struct tcp_receive_queue *q); // frees what lies before `copied`
u32 receive_window_select(struct tcp_connection *c);
void receive_tune(struct tcp_connection *c); // behind each copy to the user
void receive_queue_sack(const struct tcp_connection *c, struct tcp_options *out);

// tcp_send_queue.c
void send_queue_init(struct tcp_send_queue *q, u32 first);
void send_queue_free(struct tcp_send_queue *q);
// Copies up to `size` bytes of io behind the end. Bytes taken, or -EFAULT, -ENOMEM.
must_check s64 send_queue_write(struct tcp_send_queue *q, struct io *io, size_t size);
// Adds [start, end) to the packet; returns up to where there was room.
u32 send_queue_attach(struct tcp_send_queue *q, struct packet *p, u32 start, u32 end);
void send_queue_release(struct tcp_send_queue *q); // blocks that lie before una
// Bytes written and not yet sent, or not yet acknowledged. A FIN that was sent stands behind `end`.
static inline u32 send_queue_waiting(const struct tcp_send_queue *q)
{
    return sequence_before(q->next, q->end) ? q->end - q->next : 0;
}

static inline u32 send_queue_unacknowledged(const struct tcp_send_queue *q)
{
    return sequence_before(q->una, q->end) ? q->end - q->una : 0;
}

static inline u32 send_queue_in_flight(const struct tcp_send_queue *q) // RFC 6675's pipe
{
    return q->next - q->una - q->sacked - q->lost + q->retransmitted;
}

// tcp_sack.c: the records
must_check struct tcp_record *record_new(void); // NULL: no memory
void record_free(struct tcp_record *r);         // one that is in no queue
void records_add(struct tcp_send_queue *q, struct tcp_record *r, u32 start, u32 end, u64 now);
struct tcp_record_sample { // what an ACK has told
    u64 sent;      // of the newest transmission that was acknowledged and sent once; 0: none
    u64 rack_sent; // the same, also of repeated ones
    u32 rack_end;
    bool rack_repeated;
    u32 acked, sacked; // bytes newly so
    bool reordered;    // something sent once arrived behind a later one
};
void records_acked(struct tcp_send_queue *q, u32 ack, struct tcp_record_sample *sample);
void records_sacked(struct tcp_send_queue *q, const struct tcp_range *r,
                    struct tcp_record_sample *sample);
// Cuts a record so that none spans `at`. False: no memory.
bool records_split(struct tcp_send_queue *q, struct tcp_record *r, u32 at);
void record_mark_lost(struct tcp_send_queue *q, struct tcp_record *r);
void record_sent_again(struct tcp_send_queue *q, struct tcp_record *r, u64 now);
void records_mark_all_lost(struct tcp_send_queue *q, bool forget_sacks);
void records_unmark_lost(struct tcp_send_queue *q); // all that was taken for lost is under way
struct tcp_record *records_next_lost(struct tcp_send_queue *q); // to be sent again; NULL: none

// tcp_recovery.c
void recovery_acked(struct tcp_connection *c, const struct tcp_record_sample *sample,
                    bool duplicate);
bool recovery_detect(struct tcp_connection *c); // RACK and RFC 6675 marking; starts a recovery
// Our window was closed while we wait for an ACK: opens it by a bit.
void recovery_window_offer(struct tcp_connection *c);
void recovery_timeout(struct tcp_connection *c);
void recovery_rtt(struct tcp_connection *c, u64 sample);
u64 connection_rto(const struct tcp_connection *c);

// tcp_probe.c
void recovery_probe(struct tcp_connection *c); // tail loss probe
void recovery_probe_arm(struct tcp_connection *c);
void recovery_probe_acked(struct tcp_connection *c);

// tcp_undo.c
void undo_begin(struct tcp_connection *c);              // keeps the windows of before
void undo_note_sent(struct tcp_connection *c, u64 now); // a segment was repeated
void undo_by_echo(struct tcp_connection *c, u32 echo);  // the timestamp of an ACK that moves on
void recovery_duplicate(struct tcp_connection *c);      // a D-SACK: a repetition was for nothing

// tcp_output.c, tcp_segment.c
void connection_output(struct tcp_connection *c); // all that may be sent now
void connection_ack(struct tcp_connection *c);
void connection_ack_if_due(struct tcp_connection *c);
bool connection_send_again(struct tcp_connection *c, struct tcp_record *r, u32 room);
void connection_send_probe(struct tcp_connection *c); // an old sequence number: asks for an ACK
// One segment of new data, though the window is not worth it yet; `beyond`: bytes to send into a
// closed one.
void connection_send_override(struct tcp_connection *c, u32 beyond);
void connection_send_reset(struct tcp_connection *c);
void connection_send_syn(struct tcp_connection *c);          // or SYN-ACK in SYN_RECEIVED
u32 connection_segment_size(const struct tcp_connection *c); // payload, with the options of now
// Sends [start, end) of the stream (may be empty). Returns where the segment ended, or start:
// failed.
u32 segment_send(struct tcp_connection *c, u32 start, u32 end, u8 flags);
// A segment that belongs to no connection's state.
struct tcp_reply {
    struct tcp_key key;
    u32 sequence, acknowledgment;
    u16 window;
    u8 flags, tos;
    u32 interface;
    struct tcp_options options;
};
void reply_send(const struct tcp_reply *r);
void reply_reset(const struct tcp_segment *s); // [RFC 9293, 3.10.7.1]
u32 tcp_timestamp(u64 now);                    // ms; each connection adds its offset
u8 tcp_header_length(const struct tcp_header *h);

// tcp_batch.c
// Within a batch of received segments: connection_output and connection_ack_if_due will be called
// at its end. False: there is none. Lock held.
must_check bool connection_defer(struct tcp_connection *c);

// tcp_timer.c
void timer_set(struct tcp_connection *c, enum tcp_timer_kind kind, u64 deadline); // 0: off
void timer_fire(struct timer *t);
void timer_restart_retransmit(struct tcp_connection *c);

// tcp_listen.c, tcp_request.c
struct tcp_request {
    struct tcp_entry entry;
    struct list node;                // of the listener's requests
    struct tcp_connection *listener; // referenced
    u32 iss, irs, timestamp_offset, timestamp_recent;
    u16 mss;
    u8 scale; // the peer's; TCP_SCALE_NONE: no scaling
    bool sack, timestamps, ack_seen;
    bool one_peer; // it came from passt: see listener_assume
    bool due;
    u32 retries, interface;
    u64 deadline, sent;
};
int connection_listen(struct tcp_connection *c, int backlog);
int connection_accept(struct tcp_connection *c, bool nonblock, struct tcp_connection **out);
void listener_close(struct tcp_connection *c); // lock held on entry and return; lets go of it
void listener_input(struct tcp_connection *c, struct tcp_segment *s);
void listener_timer(struct tcp_connection *c, u64 now);
void listener_assume(struct tcp_connection *c); // without the lock, if c->assume
void request_input(struct tcp_request *r, struct tcp_segment *s);
void request_free(struct tcp_request *r);
void listener_drop_requests(struct tcp_connection *l,
                            struct list *out); // lock held; then, without:
void requests_put(struct list *requests);
u8 tcp_own_scale(void); // the window scale that we offer
// A connection from a request, in ESTABLISHED, in the accept queue. Listener's lock held. NULL: no
// room.
struct tcp_connection *listener_child(struct tcp_connection *l, const struct tcp_request *r,
                                      const struct tcp_segment *s, struct tcp_entry *old);

// tcp_cookie.c
u32 tcp_isn(const struct tcp_key *k, u64 now); // [RFC 6528]
u32 tcp_timestamp_offset(const struct tcp_key *k);
u32 cookie_make(const struct tcp_key *k, u32 irs, u16 mss, u64 now);
// The MSS that the cookie carries; 0: not one of ours.
u16 cookie_check(const struct tcp_key *k, u32 irs, u32 cookie, u64 now);
// A timestamp that carries what the peer's SYN allowed.
u32 cookie_timestamp(u32 timestamp, const struct tcp_options *o);
void cookie_timestamp_read(u32 timestamp, bool *out_sack, u8 *out_scale);

// tcp_time_wait.c
struct tcp_remnant {
    struct tcp_entry entry;
    struct list node;
    struct port_binding binding;
    u32 send_next, receive_next, receive_window, timestamp_offset, timestamp_recent;
    bool timestamps;
    u64 deadline, timestamp_recent_time;
};
bool remnant_make(struct tcp_connection *c); // in c's place in table and ports. False: no memory
// True: the segment is done with; false: a new connection may take the place (already removed).
bool remnant_input(struct tcp_remnant *r, struct tcp_segment *s);
bool remnant_reuse(struct tcp_remnant *r); // connect: may it go? [Linux: tcp_tw_reuse]
void remnant_free(struct tcp_remnant *r);

// tcp_socket*.c
must_check int connection_bind_any(struct tcp_connection *c);
void connection_buffers(struct tcp_connection *c); // takes over SO_RCVBUF, SO_SNDBUF
extern const struct socket_ops tcp_socket_ops;
s64 tcp_send(struct socket *s, struct message *m);
s64 tcp_receive_message(struct socket *s, struct message *m);
int tcp_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size);
int tcp_get_option(struct socket *s, int level, int name, uaddr_t value, u32 *size);
s64 tcp_ioctl(struct socket *s, u32 command, u64 argument);
u32 tcp_poll(struct socket *s, struct poll_table *table);
int tcp_connect(struct socket *s, const struct socket_address *a, bool nonblock);
bool connection_writable(const struct tcp_connection *c);
u32 connection_readable(const struct tcp_connection *c); // bytes
struct tcp_info;
void connection_info(struct tcp_connection *c, struct tcp_info *out);
