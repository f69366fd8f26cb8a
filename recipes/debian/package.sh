# Sourced by the recipes that make Debian packages. recipes/packages/<package> holds the parts of a package's DEBIAN
# folder. They need VERSION, DEP_INDEX and DEP_BUILDROOT.

parts=$SRC/recipes/packages
# The same inputs give the same bytes.
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^Date: //p' "$DEP_INDEX/facts/release-date" | head -n 1)" +%s)
export SOURCE_DATE_EPOCH

# depends FILE...: the packages of the libraries that these programs name, of at least the release in the build root
# (major and minor number: what comes later in a release of Debian adds nothing that a program could need).
depends() {
	for program in "$@"; do objdump -p "$program" | sed -n 's/^ *NEEDED *//p'; done | sort -u |
		in_root "$DEP_BUILDROOT/root" sh -eu -c '
			while read -r library; do
				found=$(dpkg-query -S "*/$library" | head -n 1 | cut -d : -f 1)
				[ -n "$found" ] || { echo "error: $library is in no package" >&2; exit 1; }
				dpkg-query -W -f "\${Package} (>= \${Version})\n" "$found"
			done' | sed 's/\(>= [0-9]*\.[0-9]*\)[^)]*/\1/' | sort -u | paste -s -d , | sed 's/,/, /g'
}

# package NAME ARCHITECTURE DEPENDS: of the folder NAME, which holds its files; goes into $OUT/packages. The fact
# NAME-build tells its build from others: SHA-256 over version, digests of the files and scripts, in that order, all of which
# dpkg keeps.
package() {
	name=$1 architecture=$2 needs=$3
	mkdir "$name/DEBIAN"
	for part in postinst prerm postrm; do
		[ ! -e "$parts/$name/$part" ] || sed "s/@VERSION@/$VERSION/g" "$parts/$name/$part" >"$name/DEBIAN/$part"
	done
	chmod -R u=rwX,go=rX "$name"
	find "$name/DEBIAN" -type f -exec chmod 755 {} +
	{
		printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: V4VSockets testbed <v4v@localhost>\n' \
			"$name" "$VERSION" "$architecture"
		printf 'Installed-Size: %s\nDepends: %s\n' "$(du -ks --apparent-size "$name" | cut -f 1)" "$needs"
		cat "$parts/$name/control"
	} >"$name/DEBIAN/control"
	(cd "$name" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
	chmod 644 "$name/DEBIAN/control" "$name/DEBIAN/md5sums"
	find "$name" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	in_root "$DEP_BUILDROOT/root" env SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
		dpkg-deb --root-owner-group -Zxz --build "$name" "${name}_${VERSION}_$architecture.deb" >&2
	mkdir -p "$OUT/packages"
	cp "${name}_${VERSION}_$architecture.deb" "$OUT/packages/"
	{
		echo "$VERSION"
		for part in md5sums postinst prerm postrm; do [ ! -e "$name/DEBIAN/$part" ] || cat "$name/DEBIAN/$part"; done
	} | sha256sum | cut -d ' ' -f 1 >"$OUT/facts/$name-build"
}

# copyright NAME LICENCE-FILE
copyright() { install -D -m 644 "$2" "$1/usr/share/doc/$1/copyright"; }
