# Completion for parley.  The program itself knows what could stand next: `parley complete -- WORD...`,
# which answers within a fifth of a second, also when the daemon does not.
_parley()
{
	local line=${COMP_LINE:0:COMP_POINT} words current cut
	read -ra words <<<"$line"
	[[ $line == *[[:blank:]] ]] && words+=("")
	current=${words[-1]}
	mapfile -t COMPREPLY < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
	# readline breaks words at = and :, and replaces only what stands behind them
	cut=${current%"${current##*[=:]}"}
	[[ -n $cut ]] && COMPREPLY=("${COMPREPLY[@]#"$cut"}")
	[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	return 0
}
complete -o default -F _parley parley
