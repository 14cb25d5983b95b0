#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# openssl's server and client with a certificate made here, by loopback.
cd /tmp || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -subj /CN=localhost -days 2 2>/dev/null || exit 1
openssl s_server -accept 127.0.0.1:4433 -key key -cert cert -www -quiet &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    answer=$(printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -connect 127.0.0.1:4433 -CAfile cert -verify_return_error -quiet 2>/dev/null)
    [ -n "$answer" ] && break
    sleep 0.2
done
kill $server
wait $server 2>/dev/null
case $answer in
*"HTTP/1.0 200 ok"*) echo "tls: fine" ;;
*) echo "answer: $answer"; exit 1 ;;
esac
