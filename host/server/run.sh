#!/usr/bin/env bash
# `make run`: starts the built host, seeds it once, and says what to try.
#
# The host takes this script's place, so that Ctrl-C reaches it alone and directly; what happens meanwhile (waiting,
# seeding, saying) is a process in the background that ends with it.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary=${CARGO_TARGET_DIR:-target}/release/isocenter
config=host/server/run.toml
data=${ISOCENTER_DATA:-data}
title=${ISOCENTER_AE_TITLE:-ISOCENTER}
dicom=${ISOCENTER_DICOM_LISTEN:-127.0.0.1:11112}
http=${ISOCENTER_HTTP_LISTEN:-127.0.0.1:8080}
export ISOCENTER_DATA=$data ISOCENTER_LOG_FORMAT=${ISOCENTER_LOG_FORMAT:-human}

# Whether GET $1 on the HTTP port answers 200. By bash itself: a fresh machine has no curl.
answers() {
    local status=""
    { exec 3<>"/dev/tcp/${http%:*}/${http##*:}"; } 2>/dev/null || return 1
    printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" "$http" >&3
    read -r -t 2 _ status _ <&3 || true
    exec 3>&-
    [ "$status" = 200 ]
}

if { exec 3<>"/dev/tcp/${http%:*}/${http##*:}"; } 2>/dev/null; then
    exec 3>&-
    echo "Something listens on $http already. Stop it, or choose other ports:" >&2
    echo "  ISOCENTER_HTTP_LISTEN=127.0.0.1:8081 ISOCENTER_DICOM_LISTEN=127.0.0.1:11113 make run" >&2
    exit 1
fi

welcome() {
    while ! answers /readyz; do
        kill -0 $$ 2>/dev/null || return 0
        sleep 0.2
    done
    if [ ! -e "$data/seeded" ]; then
        echo "Sending sample studies to the host ..."
        if "$binary" --config "$config" seed; then : >"$data/seeded"; fi
    fi
    local host=${dicom%:*} port=${dicom##*:}
    cat <<TEXT

Isocenter is running.

  page       http://$http/
  DICOM      $title at $dicom
  DICOMweb   http://$http/dicom-web
  data       $data
  settings   $config

Try next, in another terminal:

  echoscu -v -aec $title $host $port
  storescu -v -aec $title $host $port FILE.dcm
  storescu -v -aec $title -aet TRIAL $host $port FILE.dcm     (anonymized before it is stored)
  curl 'http://$http/dicom-web/studies?PatientName=m*ller*'
  ls -R data/research

The last shows what the chain did: rules.wasm chose a destination for each object,
anonymize.wasm edited the copy that went there. The originals are stored as sent.
echoscu and storescu are in the Debian package dcmtk. Ctrl-C stops everything.

TEXT
}

# In a shell of its own, so that the host does not inherit a child.
(welcome &)
exec "$binary" --config "$config" serve
