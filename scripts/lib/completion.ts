import type { Argument, Command, Option } from "commander";
import { settings } from "../../config/settings.ts";
import { quote } from "../../provider/ssh/quote.ts";
import { flagOf } from "./flags.ts";

export const SHELLS = ["bash", "zsh"] as const;

export interface Places {
  /** Folder of `run`, `up` and `test`. */
  scripts: string;
  /** Folder of the stacks' run folders. */
  stacks: string;
  artifacts: string;
  /** The stack that counts when none is named. */
  stack: string;
}

const LOGS = ["console", "qemu", "build", "xen", "journal"];

/** Shell code that prints the values of an option that takes one. */
function optionValues(option: Option): string {
  const setting = settings.find((candidate) => option.long === `--${flagOf(candidate)}`);
  if (option.argChoices !== undefined) return words(option.argChoices);
  if (option.long === "--stack") return "_v4v_stacks";
  if (option.flags.includes("<FILE>")) return "_v4v_files";
  if (setting?.choices !== undefined) return words(setting.choices.map(String));
  if (setting?.suggestions !== undefined) return words(setting.suggestions);
  return setting?.type === "boolean" ? words(["true", "false"]) : ":";
}

/** Shell code that prints what may stand for an argument. */
function argumentValues(argument: Argument): string {
  if (argument.argChoices !== undefined) return words(argument.argChoices);
  switch (argument.name()) {
    case "name":
      return `${words(["host"])}; _v4v_domains`;
    case "what":
      return `${words(LOGS)}; _v4v_domains`;
    case "base":
    case "run":
      return `${words(["latest"])}; _v4v_runs`;
    default:
      return ":";
  }
}

const words = (list: readonly string[]): string =>
  `printf '%s\\n' ${list.map((word) => quote(word)).join(" ")}`;

const flagsOf = (option: Option): string[] =>
  [option.short, option.long].filter((flag) => flag !== undefined);

function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

const branch = (pattern: string, body: string): string => `    ${pattern}) ${body} ;;`;

/** Values of each option that takes one; the function fails for any other word. */
function valueBranches(command: Command): string[] {
  return optionsOf(command)
    .filter((option) => option.required)
    .map((option) =>
      branch(
        flagsOf(option)
          .map((flag) => `${command.name()}:${flag}`)
          .join("|"),
        optionValues(option),
      ),
    );
}

/**
 * A completion written for bash, which zsh runs by its bashcompinit. What depends on the moment, stacks, domUs and runs,
 * is read from folders: starting Node for each key would be felt.
 */
export function completionScript(
  shell: (typeof SHELLS)[number],
  program: Command,
  places: Places,
): string {
  const { commands } = program;
  const names = commands.map((command) => command.name());
  const flags = commands.map((command) =>
    branch(command.name(), words(optionsOf(command).flatMap(flagsOf))),
  );
  const args = commands.flatMap((command) =>
    command.registeredArguments.map((argument, i) =>
      branch(`${command.name()}:${i}`, argumentValues(argument)),
    ),
  );
  return `# Completion of the V4V testbed's commands for ${shell}.
_v4v_stacks() { for _v4v_entry in ${quote(places.stacks)}/*/; do [ ! -d "$_v4v_entry" ] || basename "$_v4v_entry"; done; }
_v4v_domains() { for _v4v_entry in ${quote(places.stacks)}/"$_v4v_stack"/ssh/domains/*.conf; do [ ! -f "$_v4v_entry" ] || basename "$_v4v_entry" .conf; done; }
_v4v_runs() { for _v4v_entry in ${quote(places.artifacts)}/*/; do [ -h "\${_v4v_entry%/}" ] || [ ! -d "$_v4v_entry" ] || basename "$_v4v_entry"; done; }
_v4v_files() { compgen -f -- "$_v4v_word"; }
_v4v_commands() { ${words(names)}; }
_v4v_flags() {
  case $1 in
${flags.join("\n")}
  esac
}
_v4v_values() {
  case $1:$2 in
${commands.flatMap(valueBranches).join("\n")}
    *) return 1 ;;
  esac
}
_v4v_arguments() {
  case $1:$2 in
${args.join("\n")}
  esac
}
_v4v_complete() {
  local command= before= word position=0 i=1 found
  _v4v_stack=${quote(places.stack)} _v4v_word=\${COMP_WORDS[COMP_CWORD]}
  # scripts/up and scripts/test are a command each.
  case \${COMP_WORDS[0]} in */up) command=up ;; */test) command=test ;; esac
  while [ "$i" -lt "$COMP_CWORD" ]; do
    word=\${COMP_WORDS[i]}
    i=$((i + 1))
    # bash makes --flag=value three words.
    [ "$word" != = ] || continue
    case $before in --stack | -s) _v4v_stack=$word ;; esac
    if [ -z "$command" ]; then command=$word; continue; fi
    if [ -n "$before" ]; then before=; continue; fi
    case $word in
    -*) ! _v4v_values "$command" "$word" >/dev/null || before=$word ;;
    *) position=$((position + 1)) ;;
    esac
  done
  [ "$_v4v_word" != = ] || _v4v_word=
  if [ -z "$command" ]; then found=$(_v4v_commands)
  elif [ -n "$before" ]; then found=$(_v4v_values "$command" "$before")
  else
    case $_v4v_word in
    -*) found=$(_v4v_flags "$command") ;;
    *) found=$(_v4v_arguments "$command" "$position") ;;
    esac
  fi
  local IFS='
'
  COMPREPLY=($(compgen -W "$found" -- "$_v4v_word"))
}
${registration(shell, places)}
`;
}

/** By path only: other programs are called run, up and test, too. */
function registration(shell: (typeof SHELLS)[number], { scripts }: Places): string {
  if (shell === "zsh") {
    return `autoload -Uz compinit bashcompinit
whence compdef >/dev/null || compinit
bashcompinit
compdef '_bash_complete -F _v4v_complete' -P '(*/|)scripts/(run|up|test)'`;
  }
  const paths = ["run", "up", "test"].flatMap((name) =>
    ["scripts", "./scripts", scripts].map((folder) => quote(`${folder}/${name}`)),
  );
  return `complete -F _v4v_complete ${paths.join(" ")}`;
}
