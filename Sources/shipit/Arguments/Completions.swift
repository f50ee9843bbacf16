/// Shell completions from the argument table.
struct Completions {
  let table: [CommandSpecification]

  static let shells = ["bash", "zsh", "fish"]

  /// The script for a shell; nil for an unknown one.
  func script(for shell: String) -> String? {
    switch shell {
    case "bash": bash
    case "zsh": "autoload -U +X bashcompinit && bashcompinit\n" + bash
    case "fish": fish
    default: nil
    }
  }

  private func options(_ command: CommandSpecification) -> String {
    (command.options + commonOptions).map { "--\($0.name)" }.joined(separator: " ")
  }

  private static let runbooks = Embedded.runbooks.map(\.name).joined(separator: " ")
  private static let environments = "ls environments 2>/dev/null | sed -n 's/\\.yaml$//p'"

  private var bash: String {
    var lines = [
      "_shipit() {",
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" command=\"${COMP_WORDS[1]}\" words=\"\"",
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
      "    words=\"\(table.map(\.name).joined(separator: " "))\"",
      "  else",
      "    case \"$command\" in",
    ]
    for command in table {
      lines.append("      \(command.name))")
      lines.append("        words=\"\(options(command))\"")
      for (index, positional) in command.positionals.enumerated() {
        let here = "        [ \"$COMP_CWORD\" -eq \(index + 2) ] && words=\"$words"
        switch positional.completes {
        case .environments: lines.append("\(here) $(\(Completions.environments))\"")
        case .shells: lines.append("\(here) \(Completions.shells.joined(separator: " "))\"")
        case .words(let words): lines.append("\(here) \(words.joined(separator: " "))\"")
        case .runbooks: lines.append("\(here) \(Completions.runbooks)\"")
        default: break
        }
      }
      lines.append("        ;;")
    }
    lines += [
      "    esac", "  fi", "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))", "}",
      "complete -o default -F _shipit shipit",
      "",
    ]
    return lines.joined(separator: "\n")
  }

  private var fish: String {
    var lines = ["complete -c shipit -f"]
    for command in table {
      lines.append(
        "complete -c shipit -n __fish_use_subcommand -a \(command.name) -d '\(escaped(command.summary))'")
      let condition = "'__fish_seen_subcommand_from \(command.name)'"
      for option in command.options + commonOptions {
        lines.append(
          "complete -c shipit -n \(condition) -l \(option.name)\(option.value == nil ? "" : " -r") -d '\(escaped(option.help))'"
        )
      }
      for positional in command.positionals {
        switch positional.completes {
        case .environments:
          lines.append(
            "complete -c shipit -n \(condition) -a \"(\(Completions.environments.replacing("$", with: "\\$")))\""
          )
        case .shells:
          lines.append("complete -c shipit -n \(condition) -a '\(Completions.shells.joined(separator: " "))'")
        case .words(let words):
          lines.append("complete -c shipit -n \(condition) -a '\(words.joined(separator: " "))'")
        case .runbooks:
          lines.append("complete -c shipit -n \(condition) -a '\(Completions.runbooks)'")
        default: break
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func escaped(_ text: String) -> String { text.replacing("'", with: "\\'") }
}
