// SPDX-License-Identifier: BSD-3-Clause

// Go's net and net/http by loopback: TCP, UDP, deadlines, a refused connection, many requests.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func check(ok bool, what string) {
	if !ok {
		fmt.Println("failed:", what)
		os.Exit(1)
	}
}

func web(network, address string) {
	l, err := net.Listen(network, address)
	check(err == nil, "listen "+network)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		io.WriteString(w, strings.Repeat("z", n))
	})}
	go server.Serve(l)
	var all sync.WaitGroup
	for c := 0; c < 16; c++ {
		all.Add(1)
		go func(c int) {
			defer all.Done()
			for i := 0; i < 50; i++ {
				n := c * i * 100
				r, err := http.Get(fmt.Sprintf("http://%s/%d", l.Addr(), n))
				check(err == nil, "get")
				body, err := io.ReadAll(r.Body)
				r.Body.Close()
				check(err == nil && len(body) == n, "body")
			}
		}(c)
	}
	all.Wait()
	server.Close()
}

func main() {
	web("tcp4", "127.0.0.1:0")
	web("tcp6", "[::1]:0")
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err == nil, "udp")
	p.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, _, err = p.ReadFrom(make([]byte, 10))
	check(errors.Is(err, os.ErrDeadlineExceeded), "deadline")
	c, err := net.Dial("udp", p.LocalAddr().String())
	check(err == nil, "dial udp")
	c.Write([]byte("hello"))
	p.SetReadDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 10)
	n, from, err := p.ReadFrom(b)
	check(err == nil && n == 5 && from.String() == c.LocalAddr().String(), "datagram")
	_, err = net.Dial("tcp", "127.0.0.1:1")
	check(errors.Is(err, syscall.ECONNREFUSED), "refused")
	fmt.Println("web: fine")
}
