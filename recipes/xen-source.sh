# Xen's source as the distribution has it, with the distribution's patches applied.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

set --
while IFS= read -r option; do set -- "$@" -o "$option"; done <<EOF
$(apt_options)
EOF
mkdir -p apt-cache/archives/partial
# The .dsc of a security build may be missing where its tarballs are not; lists are signed and name each SHA-256.
apt-get "$@" source --print-uris --download-only --only-source xen 2>/dev/null | sed -n "s/^'\([^']*\)' \([^ ]*\) [0-9]* SHA256:\([0-9a-f]*\)\$/\1 \2 \3/p" |
	grep -v '\.dsc ' >uris
[ "$(wc -l <uris)" -eq 2 ] || die "expected Xen's two source archives in the package lists, found: $(cut -d ' ' -f 2 uris | tr '\n' ' ')"
pool=$(cut -d ' ' -f 1 uris | head -n 1)
pool=${pool%/*}

# download LIST: files of the pool, "URI NAME SHA256" a line.
download() {
	while read -r uri name sha256; do
		say "downloading $name"
		/usr/lib/apt/apt-helper download-file "$uri" "$name" "SHA256:$sha256" >&2 || return 1
		echo "$sha256  $name"
	done <"$1"
}

case $(cut -d ' ' -f 2 uris | head -n 1) in
xen_4.20*) ;;
*) die "the hypervisor series is for Xen 4.20, the distribution has $(cut -d ' ' -f 2 uris | head -n 1)" ;;
esac
if ! download uris >"$OUT/sha256sums"; then
	# A mirror may list a release before it has its sources; 4.20's earlier ones fit the same tools.
	say "the mirror lists a Xen source that it does not have; taking the one this project was last built with"
	rm -f -- *.tar.*
	sed "s|^|$pool/|" "$SRC/recipes/xen-source/known" >known
	download known >"$OUT/sha256sums" || die "the mirror has no source of Xen 4.20; name another: pulumi config set --path machine.mirror URL"
fi

mkdir "$OUT/source"
for archive in *.orig.tar.*; do tar -xf "$archive" -C "$OUT/source" --strip-components=1 --no-same-owner; done
for archive in *.debian.tar.*; do tar -xf "$archive" -C "$OUT/source" --no-same-owner; done
cd "$OUT/source"
grep -v '^#' debian/patches/series | while read -r patch; do
	[ -z "$patch" ] || patch -s -p1 --no-backup-if-mismatch <"debian/patches/$patch" >&2
done
sed -n 's/^xen_\(.*\)\.orig.*/\1/p' <<EOF >"$OUT/facts/version"
$(cd "$OLDPWD" && ls *.orig.tar.*)
EOF
