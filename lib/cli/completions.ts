/**
 * Scripts that make a shell complete the program's commands, flags, and those values that are known. They are made from the
 * table of commands: nothing is started, and no Redis asked, when a key is pressed.
 *
 * @module
 */

import type { LoadedCommand } from "./commands.ts";
import type { Flag } from "./flags.ts";
import { PROGRAM } from "./usage.ts";

/** The shells. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** What is completed if no command is named. */
const DEFAULT = "worker";

/** The script for a shell. */
export function completionsFor(
  shell: typeof SHELLS[number],
  commands: readonly LoadedCommand[],
): string {
  const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
  return scripts[shell](commands);
}

/** The flags of a command that are worth completing: not those that only RQ's scripts need. */
function ownFlags({ flags }: LoadedCommand): readonly Flag[] {
  return flags.filter(({ ofRq }) => !ofRq);
}

/** The first words of commands, with what they do; of several that begin alike, the second words say it. */
function firstWords(
  commands: readonly LoadedCommand[],
): { readonly word: string; readonly summary: string }[] {
  const words = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [word = "", second] = name.split(" ");
    words.set(
      word,
      second === undefined ? summary : `commands about a ${word}`,
    );
  }
  return [...words].map(([word, summary]) => ({ word, summary }));
}

function inGroup(
  commands: readonly LoadedCommand[],
  word: string,
): { readonly word: string; readonly summary: string }[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `))
    .map(({ name, summary }) => ({ word: name.split(" ")[1]!, summary }));
}

function groupsOf(commands: readonly LoadedCommand[]): string[] {
  const words = firstWords(commands).map(({ word }) => word);
  return words.filter((word) => inGroup(commands, word).length > 0);
}

/** Text in single quotes of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function bashScript(commands: readonly LoadedCommand[]): string {
  const groups = groupsOf(commands);
  const words = firstWords(commands).map(({ word }) => word);
  const cases = commands.map((command) => {
    const flags = ownFlags(command).map(({ name }) => `--${name}`);
    return `    ${quoted(command.name)}) flags=${quoted(flags.join(" "))} ;;`;
  });
  const choices = commands.flatMap((command) =>
    ownFlags(command).flatMap(({ name, choices }) =>
      choices === undefined
        ? []
        : `    ${quoted(`${command.name} --${name}`)}) choices=${
          quoted(choices.join(" "))
        } ;;`
    )
  );
  const seconds = groups.map((group) => {
    const list = inGroup(commands, group).map(({ word }) => word);
    return `    ${quoted(group)}) words=${quoted(list.join(" "))} ;;`;
  });
  return `# Completion of ${PROGRAM} in bash.
_rq_worker() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" words="" flags="" choices=""
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 && $cur != -* ]]; then
    COMPREPLY=($(compgen -W ${quoted(words.join(" "))} -- "$cur"))
    return
  fi
  case "$command" in
${seconds.join("\n")}
  esac
  if [[ -n $words ]]; then
    if [[ $COMP_CWORD -eq 2 ]]; then
      COMPREPLY=($(compgen -W "$words" -- "$cur"))
      return
    fi
    command="$command \${COMP_WORDS[2]}"
  fi
  case " ${words.join(" ")} " in
    *" \${COMP_WORDS[1]} "*) ;;
    *) command=${quoted(DEFAULT)} ;;
  esac
  case "$command $prev" in
${choices.join("\n")}
  esac
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    return
  fi
  case "$command" in
${cases.join("\n")}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _rq_worker ${PROGRAM}
`;
}

function zshScript(commands: readonly LoadedCommand[]): string {
  const described = (
    list: readonly { readonly word: string; readonly summary: string }[],
  ) => list.map(({ word, summary }) => quoted(`${word}:${summary}`)).join(" ");
  const seconds = groupsOf(commands).map((group) =>
    `    ${group}) words2=(${described(inGroup(commands, group))}) ;;`
  );
  const cases = commands.map((command) =>
    `    ${quoted(command.name)})\n      specs=(${
      ownFlags(command).flatMap(zshSpecs).map(quoted).join(" ")
    }) ;;`
  );
  const words = firstWords(commands);
  return `#compdef ${PROGRAM}
# Completion of ${PROGRAM} in zsh.
_rq_worker() {
  local command="\${words[2]}"
  local -a words1 words2 specs
  words1=(${described(words)})
  if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then
    _describe command words1
    return
  fi
  case "$command" in
${seconds.join("\n")}
  esac
  if (( $#words2 )); then
    if (( CURRENT == 3 )); then
      _describe command words2
      return
    fi
    command="$command \${words[3]}"
    shift words
    (( CURRENT-- ))
  fi
  if [[ " ${
    words.map(({ word }) => word).join(" ")
  } " == *" \${command%% *} "* ]]; then
    shift words
    (( CURRENT-- ))
  else
    command=${DEFAULT}
  fi
  case "$command" in
${cases.join("\n")}
  esac
  _arguments -s -S $specs '*:argument:_files'
}
if [[ $funcstack[1] == _${PROGRAM} ]]; then
  _rq_worker "$@"
else
  compdef _rq_worker ${PROGRAM}
fi
`;
}

/** Specifications for zsh's \`_arguments\`. */
function zshSpecs(flag: Flag): string[] {
  const { name, short, value, choices, repeatable } = flag;
  const help = flag.help.replaceAll(/[[\]:\\]/g, "\\$&");
  const action = choices === undefined ? "_files" : `(${choices.join(" ")})`;
  const rest = value === undefined
    ? `[${help}]`
    : `[${help}]:${value.replaceAll(/[[\]:\\]/g, "\\$&")}:${action}`;
  const names = [`--${name}`, ...(short?.length === 1 ? [`-${short}`] : [])];
  const once = repeatable ? "*" : `(${names.join(" ")})`;
  return names.map((spelled) =>
    `${once}${spelled}${
      value !== undefined && spelled.startsWith("--") ? "=" : ""
    }${rest}`
  );
}

function fishScript(commands: readonly LoadedCommand[]): string {
  const words = firstWords(commands);
  const groups = groupsOf(commands);
  const all = words.map(({ word }) => word).join(" ");
  const lines = [
    ...words.map(({ word, summary }) =>
      fishLine("__rq_worker_is ''", ["-f", "-a", quoted(word)], summary)
    ),
    ...groups.flatMap((group) =>
      inGroup(commands, group).map(({ word, summary }) =>
        fishLine(
          `__rq_worker_is ${group}`,
          ["-f", "-a", quoted(word)],
          summary,
        )
      )
    ),
    ...commands.flatMap((command) =>
      ownFlags(command).map((flag) => fishFlag(command.name, flag))
    ),
  ];
  return `# Completion of ${PROGRAM} in fish.
# Whether the words of the command line, as far as they are a command, are these.
function __rq_worker_is
  set -l words (commandline -opc)
  set -e words[1]
  set -l command ''
  if contains -- "$words[1]" ${all}
    set command $words[1]
    if contains -- $command ${groups.join(" ")}; and test (count $words) -gt 1
      set command "$command $words[2]"
    end
  else if test (count $words) -gt 0; or string match -q -- '-*' (commandline -ct)
    set command ${DEFAULT}
  end
  test "$command" = "$argv"
end
${lines.join("\n")}
`;
}

function fishFlag(command: string, flag: Flag): string {
  const { name, short, value, choices, help } = flag;
  return fishLine(
    `__rq_worker_is ${command}`,
    [
      ...["-l", name],
      ...(short?.length === 1 ? ["-s", short] : []),
      ...(short !== undefined && short.length > 1 ? ["-o", short] : []),
      ...(value === undefined ? [] : ["-r"]),
      ...(choices === undefined ? [] : ["-f", "-a", quoted(choices.join(" "))]),
    ],
    help,
  );
}

function fishLine(
  condition: string,
  options: readonly string[],
  help: string,
): string {
  return `complete -c ${PROGRAM} -n ${quotedFish(condition)} ${
    options.join(" ")
  } -d ${quotedFish(help)}`;
}

/** Text in single quotes of fish, which has escapes there. */
function quotedFish(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
