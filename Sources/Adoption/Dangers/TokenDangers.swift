import Model

/// Tokens of the wrong kind, and tokens that every process of the machine can read.
enum TokenDangers {
  static func find(_ step: Workflow.Step) -> [Danger] {
    var found: [Danger] = []
    for command in step.commands {
      let text = command.value
      if let name = argument(text) {
        found.append(
          Danger(
            .tokenInArguments, command.evidence,
            "\(name) is handed over as an argument, which every process of the machine can read: hand it over in the environment"
          ))
      }
      if text.contains(#/(^|[\s;&|(])railway\s+(link|whoami|list|init|login)\b/#),
        step.names.contains("RAILWAY_TOKEN"), !step.names.contains("RAILWAY_API_TOKEN")
      {
        found.append(
          Danger(
            .tokenKind, command.evidence,
            "RAILWAY_TOKEN is read as the token of one project, with which `railway link` and its like are refused: name project, environment and service at `railway up`"
          ))
      }
      if text.contains(#/Bearer\s+\$\{?RAILWAY_TOKEN/#)
        || text.contains(#/Bearer\s+\$\{\{\s*secrets\.RAILWAY_TOKEN/#)
      {
        found.append(
          Danger(
            .tokenKind, command.evidence,
            "a token of a project is sent as a bearer, which Railway refuses: it goes into the header Project-Access-Token"
          ))
      }
      if text.contains(#/Project-Access-Token:\s*\$\{?RAILWAY_API_TOKEN/#) {
        found.append(
          Danger(
            .tokenKind, command.evidence,
            "a token of an account or workspace is sent as one of a project, which Railway refuses: send it as a bearer"
          ))
      }
    }
    if step.names.contains("ENCORE_AUTH_TOKEN") {
      found.append(
        Danger(
          .tokenKind,
          Evidence(step.uses?.evidence.file ?? step.commands.first?.evidence.file ?? "", step.line),
          "nothing reads ENCORE_AUTH_TOKEN: the command line logs in with `encore auth login --auth-key`, the API with a client"
        ))
    }
    return found
  }

  /// What of a command line is a secret that stands among its arguments.
  private static func argument(_ text: String) -> String? {
    let isBuiltIn = text.contains(#/^(echo|printf|export|test|\[|if\s+\[|:)\s*/#) || text.contains("<<<")
    if text.contains(#/\s(--token|--auth-key|--password|--api-key)[= ]\s*["']?\$/#), !isBuiltIn {
      return "a token"
    }
    let isLiteral = SecretLooks.parts(of: text).contains {
      ($0.kind == .option || $0.kind == .header) && !SecretLooks.isPretence(text[$0.range])
    }
    if isLiteral, !isBuiltIn { return "a secret" }
    if text.contains(#/\bsecrets\s+set\s.*=\s*["']?\$/#) { return "a secret's value" }
    if !isBuiltIn {
      for match in text.matches(of: #/\$\{\{\s*secrets\.([A-Za-z0-9_]+)\s*\}\}/#) {
        let name = String(match.1)
        // An assignment in the shell's own words is no argument.
        if text.contains(#/^[A-Za-z_]+=["']?\$\{\{[^}]*\}\}["']?$/#) { continue }
        if name.uppercased().split(separator: "_").contains(where: {
          ["TOKEN", "PASSWORD", "SECRET", "KEY"].contains($0)
        }) {
          return name
        }
      }
    }
    return nil
  }
}
