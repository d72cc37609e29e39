//===- CompletionBash.cpp - Completion of Bash ----------------------------------===//
//
// Bash cuts a word at '=' and ':' (COMP_WORDBREAKS) and replaces what stands behind the last of them: `_gradus` puts the words together again, and takes
// from what it offers the part that Bash leaves alone. It needs Bash 4 and no package of helpers.
//
//===----------------------------------------------------------------------------===//

#include "codegen/driver/Completion.h"

using namespace llvm;

namespace gradus::driver {

static constexpr StringRef head = R"(# Completion of gradus for Bash, written by `gradus completion bash`.

# Puts the words of the line together that stand without a blank between: words[], and the number of the one under the cursor, cword.
_gradus_read_words() {
  local i line=$COMP_LINE piece
  words=() cword=0
  for ((i = 0; i < ${#COMP_WORDS[@]}; ++i)); do
    piece=${COMP_WORDS[i]}
    if [[ $i -gt 0 && $line != [[:space:]]* ]] && [[ $piece == [:=]* || ${COMP_WORDS[i-1]} == *[:=] ]]; then
      words[${#words[@]}-1]+=$piece
    else
      words+=("$piece")
    fi
    ((i == COMP_CWORD)) && cword=$((${#words[@]} - 1))
    line=${line#"${line%%[![:space:]]*}"}
    line=${line#"$piece"}
  done
}

# Offers what begins with $2 of the words $1, behind the text $3.
_gradus_offer() {
  local word
  for word in $1; do
    [[ $word == "$2"* ]] && COMPREPLY+=("${3-}$word")
  done
}

# Offers what begins with $2 of the words $1, behind those that stand there with commas between, each once.
_gradus_offer_list() {
  local before= rest=$2 word
  [[ $rest == *,* ]] && before=${rest%,*}, rest=${rest##*,}
  for word in $1; do
    [[ ,$before == *",$word,"* ]] || _gradus_offer "$word" "$rest" "$3$before"
  done
  compopt -o nospace 2> /dev/null
}

# Offers folders, and files that begin with $1 and end in .$2 (any where it is empty), behind the text $3.
_gradus_offer_files() {
  local path
  while IFS= read -r path; do
    [[ -d $path || -z $2 || $path == *.$2 ]] && COMPREPLY+=("$3$path")
  done < <(compgen -f -- "$1")
  compopt -o filenames 2> /dev/null
}

# Offers folders that begin with $1, behind the text $2.
_gradus_offer_folders() {
  local path
  while IFS= read -r path; do
    COMPREPLY+=("$2$path")
  done < <(compgen -d -- "$1")
  compopt -o filenames 2> /dev/null
}

)";

static constexpr StringRef tail = R"(# What Bash does not replace is not offered again.
_gradus_drop_kept() {
  local kept= i breaks=${COMP_WORDBREAKS//[^:=]/}
  [[ -n $breaks && $1 == *[$breaks]* ]] && kept=${1%"${1##*[$breaks]}"}
  for i in "${!COMPREPLY[@]}"; do
    COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
  done
}

_gradus() {
  local -a words
  local cword current option= value before= command=
  COMPREPLY=()
  _gradus_read_words
  current=${words[cword]} value=$current
  ((cword > 1)) && command=${words[1]}
  if ((cword == 1)); then
    _gradus_offer "$_gradus_commands" "$current"
    [[ $current == -* ]] && _gradus_offer "$_gradus_tool_options" "$current"
  elif [[ $current == --*=* ]]; then
    option=${current%%=*} value=${current#*=} before=$option=
    _gradus_values "$command" "$option" "$value" "$before"
    compopt +o filenames 2> /dev/null # it would quote the '='
  elif [[ ${words[cword-1]} == -* ]] && _gradus_values "$command" "${words[cword-1]}" "$value" ""; then
    :
  elif [[ $current == -* ]]; then
    _gradus_options "$command" "$current"
  else
    _gradus_inputs "$command" "$current"
  fi
  _gradus_drop_kept "$current"
}

complete -F _gradus gradus
)";

/// The call that offers what an argument accepts; `value` and `before` are what stands there already.
static std::string callFor(const ArgumentSpec &argument, StringRef value, StringRef before) {
  std::string words = "'" + joinWords(argument, " ") + "'", ends = (" \"" + value + "\" \"" + before + "\"").str();
  switch (argument.accepts) {
  case Accepts::Nothing:
    return "return 1";
  case Accepts::Text:
    return ":";
  case Accepts::Word:
  case Accepts::Command:
    return "_gradus_offer " + words + ends;
  case Accepts::Words:
    return "_gradus_offer_list " + words + ends;
  case Accepts::File:
    return ("_gradus_offer_files \"" + value + "\" '" + argument.words + "' \"" + before + "\"").str();
  case Accepts::Folder:
    return ("_gradus_offer_folders \"" + value + "\" \"" + before + "\"").str();
  }
  llvm_unreachable("all cases return");
}

void printBashCompletion(raw_ostream &os) {
  os << head << "_gradus_commands='";
  for (const CommandSpec &command : getCommands())
    os << (&command == getCommands().begin() ? "" : " ") << command.name;
  os << "'\n_gradus_tool_options='";
  for (const ToolOption &tool : getToolOptions())
    os << (&tool == getToolOptions().begin() ? "" : " ") << tool.option.name;
  os << "'\n\n# The options of the command $1 that begin with $2.\n_gradus_options() {\n  case $1 in\n";
  for (const CommandSpec &command : getCommands()) {
    os << "    " << command.name << ") _gradus_offer '";
    for (const OptionSpec &option : getOptionsWithHelp(command))
      os << (option.name == getOptionsWithHelp(command).front().name ? "" : " ") << option.name;
    os << "' \"$2\" ;;\n";
  }
  os << "  esac\n}\n\n# What may stand behind the option $2 of the command $1 and begins with $3, behind the text $4; false where it takes nothing.\n"
        "_gradus_values() {\n  case $1:$2 in\n";
  for (const CommandSpec &command : getCommands())
    for (const OptionSpec &option : command.options)
      if (option.argument)
        os << "    " << command.name << ':' << option.name << ") " << callFor(option.argument, "$3", "$4") << " ;;\n";
  os << "    *) return 1 ;;\n  esac\n  return 0\n}\n\n# What the command $1 reads and begins with $2.\n_gradus_inputs() {\n  case $1 in\n";
  for (const CommandSpec &command : getCommands())
    if (command.inputs)
      os << "    " << command.name << ") " << callFor(command.inputs, "$2", "") << " ;;\n";
  os << "  esac\n}\n\n" << tail;
}

} // namespace gradus::driver
