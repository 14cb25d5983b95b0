# SPDX-License-Identifier: BSD-3-Clause
# Erlang's virtual machine with its helper processes: ports, os:cmd, processes of its own, sockets, two nodes and epmd.
. "${0%/*}/lib.sh"
cat >/tmp/t.erl <<'X'
-module(t).
-export([main/0, other/0]).
main() ->
    P = open_port({spawn, "echo from a port"}, [stream, exit_status]),
    receive {P, {data, D}} -> io:format("~s", [D]) end,
    io:format("~s", [os:cmd("echo from a command")]),
    M = [spawn_monitor(fun() -> timer:sleep(10), exit(N) end) || N <- lists:seq(1, 1000)],
    io:format("~p processes~n", [length([1 || {_, R} <- M, receive {_, R, process, _, _} -> true end])]),
    {ok, L} = gen_tcp:listen(0, [binary, {active, false}]),
    {ok, Port} = inet:port(L),
    spawn(fun() -> {ok, S} = gen_tcp:connect("localhost", Port, [binary]), gen_tcp:send(S, "over TCP"), gen_tcp:close(S) end),
    {ok, A} = gen_tcp:accept(L),
    {ok, B} = gen_tcp:recv(A, 0),
    io:format("~s~n", [B]),
    ok = file:write_file("/tmp/f", <<"data">>),
    {ok, <<"data">>} = file:read_file("/tmp/f"),
    init:stop().
other() ->
    pong = ping(100),
    io:format("~p~n", [rpc:call('one@localhost', erlang, node, [])]),
    rpc:cast('one@localhost', init, stop, []),
    init:stop().
ping(0) -> pang;
ping(N) -> case net_adm:ping('one@localhost') of pong -> pong; _ -> timer:sleep(100), ping(N - 1) end.
X
cd /tmp || exit
export HOME=/tmp
must erlc t.erl
erl -noshell -s t main >out
is output "$(tr '\n' ';' <out)" "from a port;from a command;1000 processes;over TCP;"
erl -noshell -sname one@localhost -setcookie c &
is "other node" "$(erl -noshell -sname two@localhost -setcookie c -s t other)" one@localhost
wait
must epmd -kill
echo fine
