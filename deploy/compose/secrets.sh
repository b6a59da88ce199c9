#!/usr/bin/env bash
# Makes the secrets that compose.yaml mounts, and the first root of the keys, once: it never overwrites one.
set -euo pipefail
cd "${1:-"$(dirname "$0")"}"
(umask 077; mkdir -p secrets)

# Nobody but this user gets into the folder. Inside, the databases' own users have to read theirs.
make_for_all() {
  [ -e "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"
  chmod 644 "secrets/$1"
}

for store in data keys; do
  make_for_all "$store-root-password" "$(openssl rand -hex 24)"
  make_for_all "$store-password" "$(openssl rand -hex 24)"
  make_for_all "$store-url" "mysql://remit:$(cat "secrets/$store-password")@$store:3306/remit"
done
# The server runs as this user, who may write here: it makes a new root for each epoch, and destroys the old one.
(umask 077; mkdir -p root)
[ ! -e secrets/master.key ] || mv secrets/master.key root/master.key
[ -e root/master.key ] || (umask 077; openssl rand -base64 32 > root/master.key)
printf 'REMIT_UID=%s\nREMIT_GID=%s\n' "$(id -u)" "$(id -g)" > .env
