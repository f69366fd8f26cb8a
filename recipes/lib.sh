# Shared by every recipe. A recipe is run by the provider's build cache (provider/build/) as
#   sh -eu RECIPE            in an empty scratch folder, with
#   OUT          folder that becomes the cache entry when the recipe exits 0
#   DEP_<NAME>   folder of each cache entry the recipe builds on (DEP_INDEX, DEP_BUILDROOT, ...)
#   SRC          the project's own sources, read-only by convention
#   CCACHE       folder of the compiler cache, shared by all recipes and kept between runs
#   plus the recipe's own parameters, named at its head.
# No recipe needs root: mmdebstrap chooses a user namespace or fakechroot, file ownership is fakeroot's.

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The pinned package lists of DEP_INDEX as options of an apt that sees nothing of this machine's own configuration.
apt_options() {
	printf '%s\n' \
		"Dir::Etc::SourceList=$DEP_INDEX/sources.list" "Dir::Etc::SourceParts=-" \
		"Dir::State::Lists=$DEP_INDEX/lists" "Dir::State::status=/dev/null" \
		"Dir::Cache=$PWD/apt-cache" "APT::Architecture=amd64" "APT::Architectures=amd64"
}

# bootstrap PACKAGES OUTPUT [mmdebstrap options]: a Debian tree from the pinned lists, without documentation.
bootstrap() {
	packages=$1 output=$2
	shift 2
	TMPDIR=$PWD mmdebstrap --variant=minbase --architectures=amd64 --keyring="$KEYRING" \
		--skip=update --setup-hook='mkdir -p "$1/var/lib/apt/lists" && cp "$DEP_INDEX"/lists/*_dists_* "$1/var/lib/apt/lists/"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
		--include="$packages" "$@" "$(cat "$DEP_INDEX/suite")" "$output" "$DEP_INDEX/sources.list" >&2
}

# in_root ROOT COMMAND...: run inside the build root, without network, seeing only $PWD, $SRC (read-only) and the
# compiler cache of this machine.
in_root() {
	root=$1
	shift
	bwrap --ro-bind "$root" / --dev /dev --proc /proc --tmpfs /tmp --tmpfs /run \
		--bind "$PWD" /build --ro-bind "$SRC" /src --bind "$CCACHE" /ccache --chdir /build \
		--unshare-all --die-with-parent --clearenv \
		--setenv PATH /usr/sbin:/usr/bin:/sbin:/bin --setenv HOME /tmp --setenv CCACHE_DIR /ccache --setenv CCACHE_MAXSIZE 500M --setenv LC_ALL C.UTF-8 "$@"
}
