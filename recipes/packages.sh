# Debian packages of what the testbed puts into its own domains file by file: for hosts and domUs that are somebody
# else's. Parameter: VERSION. recipes/packages/<package> holds the parts of a package's DEBIAN folder.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

sockets=$DEP_SOCKETS/root
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

# package NAME ARCHITECTURE DEPENDS: of the folder NAME, which holds its files.
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
	cp "${name}_${VERSION}_$architecture.deb" "$OUT/"
}

# copyright NAME LICENCE-FILE
copyright() { install -D -m 644 "$2" "$1/usr/share/doc/$1/copyright"; }

# The programs say at run time what they are; debugging symbols would be most of a package.
installed() { in_root "$DEP_BUILDROOT/root" strip -o "/build/$2" "/build/programs/$1"; }
cp -a "$sockets" programs

mkdir -p v4v-sockets/usr/bin v4v-sockets/usr/lib
for program in v4vrun v4vctl; do installed "bin/$program" "v4v-sockets/usr/bin/$program"; done
installed lib/libv4vsockets.so v4v-sockets/usr/lib/libv4vsockets.so
copyright v4v-sockets "$SRC/LICENSE"
package v4v-sockets amd64 "$(depends v4v-sockets/usr/bin/* v4v-sockets/usr/lib/*)"

mkdir -p v4v-dom0/usr/sbin v4v-dom0/usr/lib/systemd/system
for program in v4vd viptables; do installed "sbin/$program" "v4v-dom0/usr/sbin/$program"; done
sed 's,/usr/local/sbin/,/usr/sbin/,' "$SRC/dom0/v4vd.service" >v4v-dom0/usr/lib/systemd/system/v4vd.service
copyright v4v-dom0 "$SRC/LICENSE"
package v4v-dom0 amd64 "$(depends v4v-dom0/usr/sbin/*), init-system-helpers"

module=v4v-module-dkms/usr/src/v4v-$VERSION
mkdir -p "$module" v4v-module-dkms/usr/lib/modprobe.d v4v-module-dkms/usr/lib/systemd/system
cp "$SRC"/kernel/linux/*.[ch] "$SRC/kernel/linux/Kbuild" "$SRC/kernel/linux/Makefile" "$SRC/kernel/include/v4v.h" "$module/"
sed "s/@VERSION@/$VERSION/g" "$parts/v4v-module-dkms/dkms.conf" >"$module/dkms.conf"
cp "$SRC/dom0/v4v.modprobe" v4v-module-dkms/usr/lib/modprobe.d/v4v.conf
cp "$parts/v4v-module-dkms/v4v.service" v4v-module-dkms/usr/lib/systemd/system/
copyright v4v-module-dkms "$SRC/LICENSES/GPL-2.0.txt"
package v4v-module-dkms all "dkms (>= 3), kmod, init-system-helpers"

# What DKMS will do on the user's machine, with the headers that are here: a package whose sources do not build is none.
release=$(cat "$DEP_BUILDROOT/facts/kernel-release")
cp -a "$module" unpacked
in_root "$DEP_BUILDROOT/root" make -s -C "/usr/lib/modules/$release/build" M=/build/unpacked modules >&2
[ -s unpacked/v4v.ko ] || die "the sources in v4v-module-dkms build no v4v.ko"
(cd "$OUT" && sha256sum -- *.deb) >"$OUT/facts/sha256sums"
echo "$VERSION" >"$OUT/facts/version"
