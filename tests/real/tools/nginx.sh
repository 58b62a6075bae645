#!/bin/bash
# nginx.sh ROOT FOLDER serves ROOT with Debian's nginx on a free port of 127.0.0.1 and prints the port.
# nginx.sh stop FOLDER stops it.
#
# NGINX_LISTEN is added to the listen line, NGINX_SERVER and NGINX_HTTP to what is said of the server and of all servers.
#
# Everything of the server lies in FOLDER; FOLDER/logs/access.log has a line a request.
set -euo pipefail
export LC_ALL=C
if [ "$1" = stop ]; then
	pid=$(cat "$2/nginx.pid" 2>/dev/null) || exit 0
	kill -TERM "$pid" 2>/dev/null || exit 0
	# Gone just before the process ends; the process itself may wait for init to reap it.
	for _ in $(seq 250); do
		[ -e "$2/nginx.pid" ] || exit 0
		sleep 0.02
	done
	exit 1
fi
root=$(cd "$1" && pwd -P)
mkdir -p "$2/logs" "$2/tmp"
folder=$(cd "$2" && pwd -P)
user=
[ "$(id -u)" != 0 ] || user='user root root;'
for _ in $(seq 20); do
	# Below the range that outgoing connections use.
	port=$(shuf -i 15000-32000 -n 1)
	cat >"$folder/nginx.conf" <<CONF
$user
worker_processes 1;
pid "$folder/nginx.pid";
error_log "$folder/logs/error.log" warn;
events { worker_connections 256; }
http {
	access_log "$folder/logs/access.log";
	client_body_temp_path "$folder/tmp/body";
	proxy_temp_path "$folder/tmp/proxy";
	fastcgi_temp_path "$folder/tmp/fastcgi";
	uwsgi_temp_path "$folder/tmp/uwsgi";
	scgi_temp_path "$folder/tmp/scgi";
	default_type application/octet-stream;
	${NGINX_HTTP:-}
	server { listen 127.0.0.1:$port ${NGINX_LISTEN:-}; root "$root"; ${NGINX_SERVER:-} }
}
CONF
	# It returns when it listens.
	if /usr/sbin/nginx -e "$folder/logs/error.log" -p "$folder/" -c "$folder/nginx.conf" \
		</dev/null >/dev/null 2>"$folder/logs/start.log"; then
		for _ in $(seq 250); do
			[ -s "$folder/nginx.pid" ] && break
			sleep 0.02
		done
		echo "$port"
		exit 0
	fi
	grep -q 'Address already in use' "$folder/logs/start.log" || break
done
cat "$folder/logs/start.log" >&2
exit 1
