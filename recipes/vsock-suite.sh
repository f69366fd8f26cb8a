# Linux's own tests of AF_VSOCK (tools/testing/vsock), from the source of the kernel that the domains run. Only the
# end-to-end test needs them.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" "$OUT/bin"

release=$(cat "$DEP_BUILDROOT/facts/kernel-release")
series=$(printf '%s\n' "$release" | cut -d . -f 1,2)
set --
while IFS= read -r option; do set -- "$@" -o "$option"; done <<EOT
$(apt_options)
EOT
mkdir -p apt-cache/archives/partial
say "downloading the source of Linux $series"
apt-get "$@" -o Acquire::Retries=3 download "linux-source-$series" >&2
dpkg-deb --fsys-tarfile linux-source-"$series"_*.deb | tar -xO "./usr/src/linux-source-$series.tar.xz" |
	tar -xJ --strip-components=1 "linux-source-$series/tools/testing/vsock" "linux-source-$series/tools/include"
dpkg-deb -f linux-source-"$series"_*.deb Version >"$OUT/facts/version"
rm linux-source-*.deb

in_root "$DEP_BUILDROOT/root" make -s -C tools/testing/vsock vsock_test vsock_diag_test >&2
for program in vsock_test vsock_diag_test; do
	in_root "$DEP_BUILDROOT/root" strip -o "$program" "tools/testing/vsock/$program"
	install -m 755 "$program" "$OUT/bin/$program"
done
