#!/usr/bin/env bash
# Whoever proves that a log no longer holds a value searches it for that value. InnoDB's redo log of an UPDATE has only
# the bytes behind what the new value shares with the old one at its beginning. Sealed values begin alike: a version, an
# algorithm, the id of a key. So a search for the whole value finds nothing, and the value can be put together from the
# log all the same, with a beginning that everybody knows. Search for the last bytes.
# MariaDB is Debian's `mariadb-server-core`, taken apart in the temp folder: nothing is installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null && wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
version=1:10.11.19-0+deb12u1
apt-get download -qq mariadb-server-core=$version mariadb-client-core=$version liburing2 libnuma1 libsnappy1v5 >/dev/null 2>&1
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu
mkdir data
root/usr/sbin/mariadbd --no-defaults --datadir="$folder/data" --socket="$folder/socket" --skip-networking \
  --skip-grant-tables --lc-messages-dir="$folder/root/usr/share/mysql" --user="$(id -un)" >log 2>&1 &
server=$!
ask() { root/usr/bin/mariadb --no-defaults --socket="$folder/socket" --skip-column-names --execute "$1"; }
for _ in $(seq 60); do ask 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.5; done
hex() { od -An -tx1 | tr -d ' \n'; }
beginning=$(printf 'sealed, version 1' | hex)
first=$(head -c 48 /dev/urandom | hex)
second=$(head -c 48 /dev/urandom | hex)
ask "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, sealed BLOB NOT NULL) ENGINE = InnoDB;
  INSERT INTO d.t VALUES (1, x'$beginning$first'); UPDATE d.t SET sealed = x'$beginning$second' WHERE id = 1"
ask 'SELECT VERSION()'
kill "$server"
wait "$server" || true
log=$(hex <data/ib_logfile0)
found() { grep -c "$1" <<<"$log" || true; }
echo "inserted value, whole: $(found "$beginning$first")"
echo "updated value, whole: $(found "$beginning$second"); what follows its beginning: $(found "$second")"
if [ "$(found "$beginning$first")$(found "$beginning$second")$(found "$second")" != 101 ]; then
  echo changed >&2
  exit 1
fi
