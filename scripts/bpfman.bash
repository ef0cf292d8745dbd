# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for bpfman: it asks bpfman itself what Tab would offer at its own prompt.

_bpfman()
{
	local line=${COMP_LINE:0:COMP_POINT} typed word cut

	# The text behind the program's name and its own options.
	line=${line#"${line%%[![:space:]]*}"}
	line=${line#"${COMP_WORDS[0]}"}
	line=${line#"${line%%[![:space:]]*}"}
	typed=${line##*[[:space:]]}
	# bash completes only what follows the last of its word breaks (: and = among them).
	cut=${typed%"${COMP_WORDS[COMP_CWORD]}"}
	case ${COMP_WORDS[COMP_CWORD]} in
	: | =) cut=$typed ;;
	esac
	COMPREPLY=()
	while IFS= read -r word; do
		COMPREPLY+=("${word#"$cut"}")
		case $word in
		*/ | *=) compopt -o nospace ;;
		esac
	done < <("${COMP_WORDS[0]}" complete -- "$line" 2>/dev/null)
}

complete -F _bpfman bpfman
