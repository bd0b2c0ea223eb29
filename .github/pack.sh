#!/bin/sh
# pack.sh TARGET DIR: packs echospec and the bundled servers, built for TARGET, into DIR/echospec-TARGET.tar.gz,
# and writes its checksum beside it.
set -eu
target=$1 out=$2
built=${CARGO_TARGET_DIR:-target}/$target/release
name=echospec-$target
mkdir -p "$out/$name"
for program in "$built"/echospec "$built"/echo-*; do
  # Cargo writes a list of sources, with the ending .d, beside each program.
  if [ -f "$program" ] && [ -x "$program" ]; then
    cp "$program" "$out/$name/"
  fi
done
cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$out/$name/"
tar -C "$out" -czf "$out/$name.tar.gz" "$name"
rm -r "${out:?}/$name"
cd "$out"
if command -v sha256sum >/dev/null; then
  sha256sum "$name.tar.gz" >"$name.tar.gz.sha256"
else
  shasum -a 256 "$name.tar.gz" >"$name.tar.gz.sha256"
fi
