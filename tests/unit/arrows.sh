#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Which folder of src may include which, and which library only one of them may know. Then the
# same of the built programs: what they are linked with.
#
#   base <- lang, output, db, kernel/client <- manager <- command <- ui <- main
#   kernel/worker: base, kernel/protocol, libbpf
set -u
top=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
built=${top_builddir:-$top/build}
failures=0 files=0

wrong() {
	echo "arrows: $*"
	failures=$((failures + 1))
}

# folder -> the folders it may include from
declare -A may=(
	[base]="base"
	[lang]="base lang"
	[output]="base output"
	[db]="base db"
	[kernel/protocol]="base kernel/protocol"
	[kernel/client]="base kernel/protocol kernel/client"
	[kernel/worker]="base kernel/protocol kernel/worker"
	[manager]="base lang output db kernel/protocol kernel/client manager"
	[command]="base lang output db kernel/protocol kernel/client manager command"
	[ui]="base lang output db kernel/protocol kernel/client manager command ui"
	[ui/screen]="base lang output db kernel/protocol kernel/client manager command ui ui/screen"
	[.]="base lang output db kernel/protocol kernel/client manager command ui"
)

# pattern of a header -> the one folder that may include it
declare -A only=(
	[bpf/*]=kernel/worker
	[linux/bpf*.h]=kernel/worker
	[libelf.h]=kernel/worker
	[gelf.h]=kernel/worker
	[sys/capability.h]=kernel/worker
	[sqlite3*.h]=db
	[readline/*]=ui
	[*curses*.h]=ui
	[term.h]=ui
	[panel.h]=ui
)

among() {
	local one wanted=$1
	shift
	for one; do
		[[ $one == "$wanted" ]] && return 0
	done
	return 1
}

check_include() {
	local file=$1 folder=$2 header=$3 from=$4 pattern
	if [[ $from == '"' ]]; then
		if [[ $header != */* || ! -e $top/src/$header ]]; then
			wrong "$file: \"$header\" is not a path below src"
			return
		fi
		# shellcheck disable=SC2086
		among "${header%/*}" ${may[$folder]} ||
			wrong "$file: $folder must not include from ${header%/*} ($header)"
		[[ ${header##*/} != internal.h || ${header%/*} == "$folder" ]] ||
			wrong "$file: $header is for its own folder only"
	fi
	for pattern in "${!only[@]}"; do
		# shellcheck disable=SC2053
		if [[ $header == $pattern && $folder/ != "${only[$pattern]}"/* ]]; then
			wrong "$file: only ${only[$pattern]} may include <$header>"
		fi
	done
}

while IFS= read -r file; do
	folder=${file#"$top/src/"}
	case $folder in
	*/*) folder=${folder%/*} ;;
	*) folder=. ;;
	esac
	files=$((files + 1))
	if [[ -z ${may[$folder]-} ]]; then
		wrong "${file#"$top/"}: $folder is a folder without a place in the order"
		continue
	fi
	while IFS= read -r line; do
		from=${line:0:1}
		header=${line:1}
		check_include "${file#"$top/"}" "$folder" "${header%[\">]*}" "$from"
	done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<][^">]*[">]\).*/\1/p' "$file")
done < <(find "$top/src" -name '*.[ch]' | sort)
((files > 0)) || wrong "no sources found below $top/src"

# program, libraries that it must not need, as shared ones or (a symbol of theirs) as archives
check_needed() {
	local program=$1 pair needed symbols
	shift
	[[ -e $built/$program ]] || return
	if ! needed=$(readelf -d "$built/$program" 2>&1) || ! symbols=$(nm "$built/$program" 2>&1) ||
		[[ $symbols != *" T main"* ]]; then
		wrong "cannot read what $program is linked with"
		return
	fi
	for pair; do
		[[ $needed != *"[lib${pair%:*}."* && $needed != *"[lib${pair%:*}w."* &&
			$symbols != *" T ${pair#*:}"$'\n'* ]] ||
			wrong "$program must not be linked with lib${pair%:*}"
	done
}
check_needed bpfman bpf:bpf_object__open_mem elf:elf_begin cap:cap_get_proc
check_needed bpfman-kernel sqlite3:sqlite3_open ncurses:curses_version readline:readline \
	tinfo:tigetstr

echo "arrows: $files files, $failures wrong"
((failures == 0))
