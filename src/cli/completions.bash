
# Bash breaks words at `=`, `:` and `@` as well. What belongs together is put together before the function above asks, and what of
# it stands there already is taken off the answers, since Bash replaces the last piece alone.
_kms_alias() {
    local line=${COMP_LINE:0:COMP_POINT} whole=() last=-1 piece space i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        space=${line%%[![:space:]]*}
        line=${line#"$space"}
        piece=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || piece=$line
        line=${line#"$piece"}
        if [[ $i -eq 0 || -n $space ]]; then
            whole[++last]=$piece
        else
            whole[last]+=$piece
        fi
    done
    local COMP_WORDS=("${whole[@]}") COMP_CWORD=$last there=${whole[last]%"$2"}
    _clap_complete_kms_alias "$1" "${whole[last]}" "$3"
    COMPREPLY=("${COMPREPLY[@]#"$there"}")
}
if [[ ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 || ${BASH_VERSINFO[0]} -gt 4 ]]; then
    complete -o nospace -o bashdefault -o nosort -F _kms_alias kms-alias
else
    complete -o nospace -o bashdefault -F _kms_alias kms-alias
fi
