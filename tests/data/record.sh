#!/usr/bin/env bash
# Records every capture of this directory: real clients and servers in two network namespaces of their own.
#
#   sudo ./record.sh [OUTPUT_DIRECTORY] [SCENARIO...]      (default: this directory, every scenario)
#
# Needs: iproute2 ethtool tcpdump tshark curl nginx-light openssl dnsmasq bind9-dnsutils iputils-ping iputils-arping iperf3
#        lldpd libusrsctp-examples python3
# Repeatable: leftovers of an earlier run are removed first; on exit namespaces and processes are gone.
# `ws` is the workstation, where tcpdump listens; `net` is its router and everything behind it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
shift || true
WS=weir-ws NET=weir-net
tmp=$(mktemp -d)
chmod 755 "$tmp" # some daemons drop their privileges
traffic="python3 $here/traffic.py"
export LC_ALL=C TZ=UTC

in_ws() { ip netns exec $WS "$@"; }
in_net() { ip netns exec $NET "$@"; }
job() { exec ip netns exec "$@"; } # in the background: job NAMESPACE COMMAND &

namespace_end() {
    ip netns list 2>/dev/null | grep -q "^$1\b" || return 0
    local pids
    pids=$(ip netns pids "$1" || true)
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
    ip netns del "$1"
}
clean() {
    disown -a # no notes about the jobs that end here
    namespace_end $WS
    namespace_end $NET
    rm -rf "$tmp"
}
trap clean EXIT

# --- the stage ---------------------------------------------------------------------------------------------------

quiet() { # namespace interface: no offload, no router solicitation, link-local address from the MAC
    ip netns exec "$1" ethtool -K "$2" gso off tso off gro off lro off sg off tx off rx off >/dev/null 2>&1 || true
    ip netns exec "$1" sysctl -qw "net.ipv6.conf.$2.router_solicitations=0" "net.ipv6.conf.$2.accept_ra=0" \
        "net.ipv6.conf.$2.addr_gen_mode=0"
}
stage() {
    namespace_end $WS
    namespace_end $NET
    ip netns add $WS
    ip netns add $NET
    # MAC addresses of the documentation range 00-00-5E-00-53-xx.
    ip link add eth0 netns $WS address 00:00:5e:00:53:10 type veth peer name eth0 netns $NET address 00:00:5e:00:53:01
    ip link add eth1 netns $WS address 00:00:5e:00:53:11 type veth peer name eth1 netns $NET address 00:00:5e:00:53:02
    in_net sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    for ns in $WS $NET; do
        ip -n $ns link set lo up
        for interface in eth0 eth1; do quiet $ns $interface; done
    done
    ip -n $WS addr add 192.0.2.10/24 dev eth0
    ip -n $WS addr add 2001:db8:1::10/64 dev eth0 nodad
    ip -n $WS addr add 203.0.113.130/28 dev eth1
    ip -n $NET addr add 192.0.2.1/24 dev eth0
    ip -n $NET addr add 2001:db8:1::1/64 dev eth0 nodad
    ip -n $NET addr add 203.0.113.129/28 dev eth1
    for host in 198.51.100.20 198.51.100.30 198.51.100.40 203.0.113.50 203.0.113.99; do
        ip -n $NET addr add $host/32 dev lo
    done
    for host in 20 30 40 50; do ip -n $NET addr add 2001:db8:2::$host/128 dev lo nodad; done
    for ns in $WS $NET; do for interface in eth0 eth1; do ip -n $ns link set $interface up; done; done
    ip -n $WS route add default via 192.0.2.1
    ip -n $WS -6 route add default via 2001:db8:1::1 dev eth0
    # Nothing but the scenario on the wire.
    sleep 2.5
}
servers() {
    mkdir -p "$tmp/www/logs"
    for i in $(seq 1 400); do echo "line $i of a page that a weir lets pass"; done >"$tmp/www/index.html"
    for i in $(seq 1 12000); do echo "block $i"; done >"$tmp/www/large.txt"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.weir.example" \
        -addext "subjectAltName=DNS:www.weir.example,DNS:update.weir.example" \
        -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>/dev/null
    cat >"$tmp/nginx.conf" <<NGINX
daemon off; user root; worker_processes 1; pid $tmp/nginx.pid; error_log /dev/null crit;
events {}
http {
  access_log off; server_tokens off; default_type text/plain;
  client_body_temp_path $tmp/b; proxy_temp_path $tmp/p; fastcgi_temp_path $tmp/f; uwsgi_temp_path $tmp/u; scgi_temp_path $tmp/s;
  server { listen 80; listen [::]:80; root $tmp/www; location /form { return 204; } }
  server { listen 443 ssl; listen [::]:443 ssl; root $tmp/www; ssl_certificate $tmp/cert.pem; ssl_certificate_key $tmp/key.pem; }
}
NGINX
    job $NET nginx -e /dev/null -p "$tmp" -c "$tmp/nginx.conf" &
    job $NET dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
        --log-facility=/dev/null --bind-interfaces --listen-address=192.0.2.1,2001:db8:1::1 --local=/weir.example/ \
        --address=/www.weir.example/198.51.100.20 --address=/www.weir.example/2001:db8:2::20 \
        --address=/update.weir.example/198.51.100.30 --address=/telemetry.weir.example/203.0.113.99 \
        --txt-record=large.weir.example,"$(printf 'w%.0s' $(seq 240))","$(printf 'e%.0s' $(seq 240))","$(printf 'i%.0s' $(seq 240))" \
        --edns-packet-max=4096 &
    for host in 198.51.100.40 2001:db8:2::40 203.0.113.50; do
        job $NET $traffic udp-echo $host 7 &
        job $NET $traffic tcp-serve $host 7 &
    done
    job $NET iperf3 -s -B 198.51.100.40 -p 5201 >/dev/null &
    sleep 1
}
record() { # name interface [tcpdump options]: start listening on the workstation
    local name=$1 interface=$2
    shift 2
    # Every capture begins with ARP and neighbour discovery.
    for ns in $WS $NET; do for port in eth0 eth1; do ip -n $ns neigh flush dev $port; done; done
    job $WS tcpdump -Z root -q -U --immediate-mode -B 8192 -s 2048 -i "$interface" -w "$tmp/$name" "$@" 2>"$tmp/$name.log" &
    until grep -q 'listening on' "$tmp/$name.log" 2>/dev/null; do sleep 0.05; done
}
finish() { # stop every tcpdump and wait for it
    sleep 0.4
    local pids
    pids=$(for pid in $(ip netns pids $WS); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = tcpdump ] && echo "$pid" || true
    done)
    kill -INT $pids
    while [ -n "$(for pid in $pids; do [ -d "/proc/$pid" ] && echo y || true; done)" ]; do sleep 0.05; done
    if grep -h 'dropped by' "$tmp"/*.log | grep -v '^0 '; then
        echo "record.sh: tcpdump lost frames" >&2
        return 1
    fi
}
anonymous() { editcap --discard-capture-comment -F pcapng "$1" "$2" 2>/dev/null; }
describe() { # file title locals special-cases: the toml beside a capture; numbers come from capinfos
    local file=$out/$1 base
    base=${file%.*}
    {
        echo "# Written by record.sh."
        echo "capture = \"$(basename "$1")\""
        echo "title = \"$2\""
        printf 'local = ['; first=; for a in $3; do printf '%s"%s"' "$first" "$a"; first=', '; done; echo ']'
        printf 'special = ['; first=; for a in $4; do printf '%s"%s"' "$first" "$a"; first=', '; done; echo ']'
        capinfos -TmcdsrM "$file" 2>/dev/null | tail -1 | awk -F, '{ print "frames = " $2 "\nbytes = " $4 }'
    } >"$base.toml"
    echo "$1: $(grep -E '^(frames|bytes)' "$base.toml" | tr '\n' ' ')"
}
LOCAL="192.0.2.10 2001:db8:1::10 fe80::200:5eff:fe00:5310"
fetch() { in_ws curl -sS --max-time 10 -A "browser/1.0" "$@" >/dev/null; }
lookup() { in_ws dig +tries=1 +time=3 "$@" >/dev/null || true; }

# --- scenarios: one function, one capture ------------------------------------------------------------------------

http_v4() {
    record http-v4.pcap eth0
    fetch --local-port 49152 http://198.51.100.20/
    fetch --local-port 49153 http://198.51.100.20/large.txt http://198.51.100.20/missing
    fetch --local-port 49154 -d "@$tmp/www/index.html" http://198.51.100.20/form
    finish
    cp "$tmp/http-v4.pcap" "$out"
    describe http-v4.pcap "HTTP over TCP over IPv4: pages, a larger download, keep-alive, a POST" "$LOCAL" ""
}
http_v6() {
    record http-v6.pcap eth0
    fetch --local-port 49155 'http://[2001:db8:2::20]/'
    fetch --local-port 49156 'http://[2001:db8:2::20]/large.txt'
    finish
    anonymous "$tmp/http-v6.pcap" "$out/http-v6.pcapng"
    describe http-v6.pcapng "HTTP over TCP over IPv6" "$LOCAL" ""
}
tls() {
    record tls.pcap eth0 --time-stamp-precision=nano
    for target in 198.51.100.20 2001:db8:2::20; do
        for version in 1.2 1.3; do
            fetch -k --tls-max $version --resolve "www.weir.example:443:$target" https://www.weir.example/
        done
    done
    finish
    anonymous "$tmp/tls.pcap" "$out/tls.pcapng"
    describe tls.pcapng "TLS 1.2 and 1.3, IPv4 and IPv6, one connection each" "$LOCAL" "nanoseconds"
}
dns() {
    record dns.pcap eth0 --time-stamp-precision=nano
    for server in 192.0.2.1 2001:db8:1::1; do
        for name in "www.weir.example A" "www.weir.example AAAA" "none.weir.example A" "large.weir.example TXT"; do
            # shellcheck disable=SC2086
            lookup @$server $name
        done
        lookup +tcp @$server large.weir.example TXT
        lookup +noedns @$server large.weir.example TXT
    done
    finish
    cp "$tmp/dns.pcap" "$out"
    describe dns.pcap "DNS over UDP and TCP, IPv4 and IPv6, one answer truncated and asked again over TCP" "$LOCAL" "nanoseconds"
}
ping_both() {
    record ping.pcap eth0
    in_ws ping -q -c 3 -i 0.2 198.51.100.20 >/dev/null
    in_ws ping -q -c 3 -i 0.2 2001:db8:2::20 >/dev/null
    in_ws ping -q -c 1 -W 1 198.51.100.99 >/dev/null || true
    in_net ping -q -c 2 -i 0.2 192.0.2.10 >/dev/null
    in_net ping -q -c 2 -i 0.2 2001:db8:1::10 >/dev/null
    in_ws $traffic udp-send 192.0.2.10 49170 198.51.100.20 9 1 64 200
    in_ws $traffic udp-send 2001:db8:1::10 49170 2001:db8:2::20 9 1 64 200
    finish
    # The other byte order: the same records, every header field swapped.
    python3 - "$tmp/ping.pcap" "$out/ping.pcap" <<'SWAP'
import struct, sys
data = open(sys.argv[1], "rb").read()
result = struct.pack(">IHHiIII", *struct.unpack_from("<IHHiIII", data))
at = 24
while at < len(data):
    head = struct.unpack_from("<IIII", data, at)
    result += struct.pack(">IIII", *head) + data[at + 16:at + 16 + head[2]]
    at += 16 + head[2]
open(sys.argv[2], "wb").write(result)
SWAP
    describe ping.pcap "Echo in both directions over IPv4 and IPv6, host and port unreachable" "$LOCAL" "big-endian icmp-error"
}
udp_stream() {
    record udp-stream.pcap eth0
    in_ws iperf3 -u -c 198.51.100.40 -p 5201 -b 3M -l 1200 -t 1 -B 192.0.2.10 --cport 49180 >/dev/null
    in_ws $traffic udp-send 2001:db8:1::10 49181 2001:db8:2::40 7 60 400 5 reply
    finish
    cp "$tmp/udp-stream.pcap" "$out"
    describe udp-stream.pcap "A UDP stream of iperf3 with its TCP control connection; a UDP conversation over IPv6" "$LOCAL" ""
}
fragments() {
    record fragments.pcap eth0
    in_ws ping -q -c 2 -i 0.2 -s 4000 198.51.100.40 >/dev/null
    in_ws ping -q -c 2 -i 0.2 -s 4000 2001:db8:2::40 >/dev/null
    in_ws $traffic udp-send 192.0.2.10 49190 198.51.100.40 7 3 5000 20 reply
    in_ws $traffic udp-send 2001:db8:1::10 49191 2001:db8:2::40 7 3 5000 20 reply
    in_ws $traffic udp-send 192.0.2.10 49192 198.51.100.40 7 1 60000 20 reply
    ip -n $WS link set eth0 mtu 1280
    ip -n $NET link set eth0 mtu 1280
    in_ws $traffic udp-send 2001:db8:1::10 49193 2001:db8:2::40 7 2 1400 20 reply
    ip -n $WS link set eth0 mtu 1500
    ip -n $NET link set eth0 mtu 1500
    finish
    anonymous "$tmp/fragments.pcap" "$out/fragments.pcapng"
    describe fragments.pcapng "Fragmented echo and UDP datagrams, IPv4 and IPv6, both directions" "$LOCAL" "fragments"
}
arp_nd() {
    record arp-nd.pcap eth0
    in_ws arping -q -c 2 -I eth0 192.0.2.1
    in_ws arping -q -c 1 -A -I eth0 192.0.2.10 || true
    in_ws ping -q -c 1 192.0.2.1 >/dev/null
    in_ws ping -q -c 1 -W 1 192.0.2.77 >/dev/null || true
    in_ws ping -q -c 1 2001:db8:1::1 >/dev/null
    in_ws ping -q -c 1 fe80::200:5eff:fe00:5301%eth0 >/dev/null
    in_ws ping -q -c 1 ff02::1%eth0 >/dev/null
    # A second address goes through duplicate address detection; then a router is looked for.
    ip -n $WS addr add 2001:db8:1::11/64 dev eth0
    in_ws sysctl -qw net.ipv6.conf.eth0.accept_ra=1 net.ipv6.conf.eth0.router_solicitations=1
    sleep 1.5
    ip -n $WS addr del 2001:db8:1::11/64 dev eth0
    in_ws $traffic join 239.192.0.7 192.0.2.10
    finish
    in_ws sysctl -qw net.ipv6.conf.eth0.accept_ra=0 net.ipv6.conf.eth0.router_solicitations=0
    cp "$tmp/arp-nd.pcap" "$out"
    describe arp-nd.pcap "ARP, neighbour discovery, duplicate address detection, MLD, IGMP, multicast" \
        "$LOCAL 2001:db8:1::11" "non-ip multicast"
}
l2() {
    record l2.pcap eth0
    # A bridge with spanning tree at the far end sends 802.3/LLC frames, lldpd at both ends sends LLDP (and CDP).
    ip -n $NET link add br0 address 00:00:5e:00:53:03 type bridge stp_state 1 hello_time 100 forward_delay 200
    ip -n $NET addr flush dev eth0
    ip -n $NET link set eth0 master br0
    ip -n $NET link set br0 up
    echo "127.0.0.1 workstation" >"$tmp/hosts"
    : >"$tmp/resolv.conf"
    in_ws unshare --uts sh -c 'hostname workstation
        mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf
        exec lldpd -d -cc -l -k -S "a station" -P "a platform" -I eth0 -C eth0 -u "$0/lldp"' "$tmp" >/dev/null 2>&1 &
    local lldpd=$!
    sleep 4
    kill $lldpd 2>/dev/null || true
    finish
    ip -n $NET link del br0
    ip -n $NET addr replace 192.0.2.1/24 dev eth0
    ip -n $NET addr replace 2001:db8:1::1/64 dev eth0 nodad
    cp "$tmp/l2.pcap" "$out"
    describe l2.pcap "Frames that are not IP: spanning tree (802.3/LLC), LLDP, CDP (LLC/SNAP)" "$LOCAL" "non-ip llc"
}
tagged() { # name tags...: a TAP device at both ends, address 192.0.2.130/2001:db8:3::130 at the workstation
    job $WS $traffic vlan tap0 eth0 "$@" >"$tmp/vlan-ws" &
    job $NET $traffic vlan tap0 eth0 "$@" >"$tmp/vlan-net" &
    until grep -q ready "$tmp/vlan-ws" && grep -q ready "$tmp/vlan-net"; do sleep 0.05; done
    ip -n $WS link set tap0 address 00:00:5e:00:53:30 mtu 1400
    ip -n $NET link set tap0 address 00:00:5e:00:53:31 mtu 1400
    for ns in $WS $NET; do quiet $ns tap0; done
    ip -n $WS addr add 203.0.113.10/28 dev tap0
    ip -n $WS addr add 2001:db8:3::10/64 dev tap0 nodad
    ip -n $NET addr add 203.0.113.1/28 dev tap0
    ip -n $NET addr add 2001:db8:3::1/64 dev tap0 nodad
    for ns in $WS $NET; do ip -n $ns link set tap0 up; done
    sleep 1.5
}
untagged() {
    disown -a
    for pid in $(ip netns pids $WS) $(ip netns pids $NET); do
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q 'traffic.py \(vlan\|tunnel\)' && kill "$pid" || true
    done
    sleep 0.3
}
over_tap() {
    in_ws ping -q -c 2 -i 0.2 203.0.113.1 >/dev/null
    in_ws ping -q -c 2 -i 0.2 2001:db8:3::1 >/dev/null
    fetch http://203.0.113.1/
    fetch 'http://[2001:db8:3::1]/'
}
TAGGED="203.0.113.10 2001:db8:3::10 fe80::200:5eff:fe00:5330"
vlan() {
    tagged 0x8100:10
    record vlan.pcap eth0
    over_tap
    # The untagged network shares the wire.
    in_ws ping -q -c 1 192.0.2.1 >/dev/null
    finish
    untagged
    anonymous "$tmp/vlan.pcap" "$out/vlan.pcapng"
    describe vlan.pcapng "802.1Q: HTTP and echo in VLAN 10, untagged frames between them" "$LOCAL $TAGGED" "vlan"
}
qinq() {
    tagged 0x88a8:20 0x8100:30
    record qinq.pcap eth0
    over_tap
    finish
    untagged
    cp "$tmp/qinq.pcap" "$out"
    describe qinq.pcap "802.1ad: VLAN 30 inside service VLAN 20" "$LOCAL $TAGGED" "vlan qinq"
}
tun() { # local-ns kind
    job $WS $traffic tunnel tun0 192.0.2.10 192.0.2.1 "$1" >"$tmp/tun-ws" &
    job $NET $traffic tunnel tun0 192.0.2.1 192.0.2.10 "$1" >"$tmp/tun-net" &
    until grep -q ready "$tmp/tun-ws" && grep -q ready "$tmp/tun-net"; do sleep 0.05; done
    for ns in $WS $NET; do
        in_=$([ $ns = $WS ] && echo 10 || echo 1)
        ip -n $ns addr add 203.0.113.$in_/28 dev tun0
        ip -n $ns addr add 2001:db8:3::$in_/64 dev tun0 nodad
        ip -n $ns link set tun0 mtu 1400 up
    done
    sleep 0.5
}
gre() {
    rm -f "$tmp"/gre-*.pcap
    for kind in gre gre-key ip; do
        tun $kind
        record gre-$kind.pcap eth0
        [ $kind != gre ] || record raw-ip.pcap tun0
        over_tap
        finish
        untagged
    done
    mergecap -a -F pcap -w "$out/gre.pcap" "$tmp/gre-gre.pcap" "$tmp/gre-gre-key.pcap"
    cp "$tmp/gre-ip.pcap" "$out/ip-in-ip.pcap"
    cp "$tmp/raw-ip.pcap" "$out"
    describe gre.pcap "GRE without and with a key, carrying IPv4 and IPv6" "$LOCAL $TAGGED" "tunnel"
    describe ip-in-ip.pcap "IPv4 in IPv4 (protocol 4) and IPv6 in IPv4 (protocol 41)" "$LOCAL $TAGGED" "tunnel"
    describe raw-ip.pcap "Raw IP, no link layer: a point-to-point interface" "203.0.113.10 2001:db8:3::10" "raw-ip"
}
vxlan() {
    ip -n $WS link add vx0 address 00:00:5e:00:53:40 type vxlan id 42 local 192.0.2.10 remote 192.0.2.1 dstport 4789 dev eth0
    ip -n $NET link add vx0 address 00:00:5e:00:53:41 type vxlan id 42 local 192.0.2.1 remote 192.0.2.10 dstport 4789 dev eth0
    for ns in $WS $NET; do
        in_=$([ $ns = $WS ] && echo 10 || echo 1)
        quiet $ns vx0
        ip -n $ns addr add 203.0.113.$in_/28 dev vx0
        ip -n $ns addr add 2001:db8:3::$in_/64 dev vx0 nodad
        ip -n $ns link set vx0 mtu 1400 up
    done
    sleep 1.5
    record vxlan.pcap eth0
    over_tap
    finish
    for ns in $WS $NET; do ip -n $ns link del vx0; done
    anonymous "$tmp/vxlan.pcap" "$out/vxlan.pcapng"
    describe vxlan.pcapng "VXLAN 42 over UDP 4789, carrying IPv4 and IPv6" "$LOCAL $TAGGED" "tunnel"
}
sctp() {
    # The stack offers every address of its host: leave it those of one interface.
    ip -n $WS addr del 203.0.113.130/28 dev eth1
    ip -n $NET addr del 203.0.113.129/28 dev eth1
    record sctp.pcap eth0
    job $NET /usr/lib/usrsctp/discard_server >/dev/null 2>&1 &
    sleep 0.5
    { for i in 1 2 3 4; do echo "message $i"; sleep 0.3; done; } |
        in_ws timeout 6 /usr/lib/usrsctp/client 192.0.2.1 9 49210 >/dev/null 2>&1 || true
    sleep 1
    finish
    ip -n $WS addr add 203.0.113.130/28 dev eth1
    ip -n $NET addr add 203.0.113.129/28 dev eth1
    cp "$tmp/sctp.pcap" "$out"
    describe sctp.pcap "SCTP by a user-mode stack: handshake, data, heartbeat, shutdown over several address pairs" "$LOCAL" "sctp"
}
tcp_states() {
    job $WS $traffic tcp-serve 192.0.2.10 8000 &
    job $WS $traffic tcp-serve 2001:db8:1::10 8000 &
    sleep 0.4
    record tcp-states.pcap eth0
    local port=49220 mode
    for mode in normal half reset linger idle; do
        in_ws $traffic tcp-talk 192.0.2.10 $port 198.51.100.40 7 $mode
        port=$((port + 1))
    done
    # The port of the connection that was reset, once more: two connections, one 5-tuple.
    in_ws $traffic tcp-talk 192.0.2.10 49222 198.51.100.40 7 half
    in_ws $traffic tcp-talk 2001:db8:1::10 49230 2001:db8:2::40 7 half
    # Inbound: a stranger reaches the workstation's service; a refused and an unanswered connection, both ways.
    in_net $traffic tcp-talk 203.0.113.50 50000 192.0.2.10 8000 half
    in_net $traffic tcp-talk 2001:db8:2::50 50001 2001:db8:1::10 8000 normal
    fetch --local-port 49240 http://198.51.100.20:81/ 2>/dev/null || true
    fetch --local-port 49241 'http://[2001:db8:2::20]:81/' 2>/dev/null || true
    in_net curl -sS -o /dev/null --interface 203.0.113.50 --local-port 50002 http://192.0.2.10:81/ 2>/dev/null || true
    fetch --local-port 49242 --max-time 2 http://192.0.2.1:82/ 2>/dev/null || true
    finish
    for pid in $(ip netns pids $WS); do
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q 'traffic.py tcp-serve' && disown -a && kill "$pid" || true
    done
    cp "$tmp/tcp-states.pcap" "$out"
    describe tcp-states.pcap "Ways to end a TCP connection: FIN, half-close, RST by either side, refused, keep-alive; inbound too" "$LOCAL" "tcp-refused port-reuse"
}
interfaces() {
    record two-a.pcap eth0
    record two-b.pcap eth1 --time-stamp-precision=nano
    fetch --local-port 49250 http://198.51.100.20/
    in_ws ping -q -c 2 -i 0.2 203.0.113.129 >/dev/null
    fetch --local-port 49251 http://203.0.113.129/
    in_ws ping -q -c 2 -i 0.2 192.0.2.1 >/dev/null
    finish
    "$here/pack.py" "$out/two-interfaces.pcapng" '>' "eth0=$tmp/two-a.pcap" "eth1=$tmp/two-b.pcap"
    describe two-interfaces.pcapng "Two interfaces in one file, microseconds and nanoseconds" "$LOCAL 203.0.113.130 fe80::200:5eff:fe00:5311" "interfaces nanoseconds big-endian direction"
}
snapped() {
    record snapped.pcap eth0 -s 96
    fetch --local-port 49260 http://198.51.100.20/
    in_ws ping -q -c 1 2001:db8:2::20 >/dev/null
    finish
    cp "$tmp/snapped.pcap" "$out"
    describe snapped.pcap "A capture with a snapshot length of 96 bytes: headers whole, payload cut" "$LOCAL" "snapped"
}
demo() {
    # The voice VLAN shares the workstation's one address: two devices, one host.
    job $WS $traffic vlan tap0 eth0 0x8100:40 >"$tmp/vlan-ws" &
    job $NET $traffic vlan tap0 eth0 0x8100:40 >"$tmp/vlan-net" &
    until grep -q ready "$tmp/vlan-ws" && grep -q ready "$tmp/vlan-net"; do sleep 0.05; done
    ip -n $WS link set tap0 address 00:00:5e:00:53:10
    ip -n $NET link set tap0 address 00:00:5e:00:53:01
    for ns in $WS $NET; do quiet $ns tap0; ip netns exec $ns sysctl -qw net.ipv6.conf.tap0.disable_ipv6=1; done
    ip -n $WS addr add 192.0.2.10/32 dev tap0
    ip -n $NET addr add 203.0.113.140/32 dev tap0
    for ns in $WS $NET; do ip -n $ns link set tap0 up; done
    ip -n $WS route add 203.0.113.140 dev tap0 src 192.0.2.10
    ip -n $NET route add 192.0.2.10 dev tap0 src 203.0.113.140 table 40
    ip -n $NET rule add from 203.0.113.140 table 40
    for ns in $WS $NET; do ip netns exec $ns sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tap0.rp_filter=0 \
        net.ipv4.conf.eth0.rp_filter=0; done
    job $NET $traffic udp-echo 203.0.113.140 5004 &
    job $NET $traffic udp-sink 203.0.113.99 4433 &
    job $WS $traffic tcp-serve 192.0.2.10 5432 &
    job $WS $traffic tcp-serve 192.0.2.10 3389 &
    sleep 2
    record demo.pcap eth0 --time-stamp-precision=nano
    lookup @192.0.2.1 www.weir.example A -b 192.0.2.10#50010
    lookup @192.0.2.1 www.weir.example AAAA -b 192.0.2.10#50011
    # Telemetry runs beside everything else.
    job $WS $traffic udp-send 192.0.2.10 50400 203.0.113.99 4433 120 300 30 &
    local telemetry=$!
    fetch --local-port 50101 --resolve www.weir.example:80:198.51.100.20 http://www.weir.example/ http://www.weir.example/large.txt
    fetch --local-port 50102 -k --resolve www.weir.example:443:198.51.100.20 https://www.weir.example/
    fetch --local-port 50103 -k --resolve 'www.weir.example:443:[2001:db8:2::20]' https://www.weir.example/large.txt
    fetch --local-port 50104 --resolve 'www.weir.example:80:[2001:db8:2::20]' http://www.weir.example/
    lookup @192.0.2.1 update.weir.example A -b 192.0.2.10#50012
    fetch --local-port 50201 -k -A "updater/3.1" --resolve update.weir.example:443:198.51.100.30 https://update.weir.example/large.txt
    in_ws ping -q -c 3 -i 0.2 198.51.100.20 >/dev/null
    in_ws ping -q -c 3 -i 0.2 2001:db8:2::20 >/dev/null
    # A voice call in VLAN 40.
    in_ws $traffic udp-send 192.0.2.10 50500 203.0.113.140 5004 25 172 20 reply
    # A file synchroniser with datagrams larger than the wire's frames, and a large echo.
    in_ws $traffic udp-send 192.0.2.10 50600 198.51.100.40 7 4 4200 30 reply
    in_ws $traffic udp-send 2001:db8:1::10 50601 2001:db8:2::40 7 2 4200 30 reply
    in_ws ping -q -c 1 -s 3000 198.51.100.40 >/dev/null
    # Inbound: a colleague's database client, and a stranger at the remote desktop.
    in_net $traffic tcp-talk 198.51.100.40 51000 192.0.2.10 5432 half
    in_net $traffic tcp-talk 203.0.113.50 51001 192.0.2.10 3389 normal
    in_net $traffic tcp-talk 203.0.113.50 51002 192.0.2.10 3389 normal
    fetch --local-port 50105 http://198.51.100.20:81/ 2>/dev/null || true
    wait $telemetry
    finish
    untagged
    mkdir -p "$out/demo"
    "$here/pack.py" "$out/demo/demo.pcapng" '<' \
        "Ethernet=$tmp/demo.pcap,192.0.2.10/24,2001:db8:1::10/64,fe80::200:5eff:fe00:5310/64"
    describe demo/demo.pcapng "A desktop scene: browser, updater, telemetry, voice call, file synchroniser, inbound services" \
        "$LOCAL" "nanoseconds vlan fragments tcp-refused direction"
}

# The demo comes last: it leaves the namespaces with routes of its own.
all="http_v4 http_v6 tls dns ping_both udp_stream fragments arp_nd l2 vlan qinq gre vxlan sctp tcp_states interfaces snapped demo"
for tool in ip ethtool tcpdump editcap mergecap capinfos curl nginx openssl dnsmasq dig ping arping iperf3 lldpd python3; do
    command -v $tool >/dev/null || { echo "record.sh: $tool is missing" >&2; exit 1; }
done
stage
servers
for scenario in ${@:-$all}; do
    echo "== $scenario"
    $scenario
done
