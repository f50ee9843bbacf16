import Interface
import Model

/// Where the platforms' APIs are asked: their own addresses, or those that the process environment names.
struct Endpoints: Sendable {
  /// What the process environment replaces, for every header.
  let overrides: [Override]
  /// Where Slack's API is asked.
  var slack: String { overrides.first { $0.name == Endpoints.slackVariable }?.value ?? "https://slack.com" }

  /// Points flags kept in LaunchDarkly elsewhere.
  static let launchDarklyVariable = "SHIPIT_LAUNCHDARKLY_URL"
  /// Points marks left in Sentry elsewhere.
  static let sentryVariable = "SHIPIT_SENTRY_URL"
  private static let slackVariable = "SHIPIT_SLACK_URL"

  /// - Throws: `Failure` of kind configuration for an address that is neither https nor loopback (DESIGN §9).
  init(_ variables: [String: String]) throws(Failure) {
    var overrides: [Override] = []
    let names =
      platformTable.map(\.variable) + [
        Endpoints.slackVariable, Endpoints.launchDarklyVariable, Endpoints.sentryVariable,
        ActionsContext.endpointVariable,
      ]
    for name in names {
      guard let value = variables[name], !value.isEmpty else { continue }
      guard Endpoints.isAllowed(value) else {
        throw Failure(
          .configuration, "\(name) must be https, or http on a loopback address", place: name,
          hint: "unset \(name), or start the twin: shipit twin")
      }
      overrides.append(Override(name: name, value: value))
    }
    self.overrides = overrides
  }

  /// Where a platform's API is asked.
  func endpoint(of platform: PlatformRegistration) -> Endpoint {
    let url = overrides.first { $0.name == platform.variable }?.value ?? platform.standard
    return Endpoint(url: url, isLoopback: Endpoints.isLoopback(url))
  }

  /// Encrypted, or on this machine.
  static func isAllowed(_ url: String) -> Bool { url.hasPrefix("https://") || isLoopback(url) }

  /// Plain http on an address of this machine, without credentials in it.
  private static func isLoopback(_ url: String) -> Bool {
    guard url.hasPrefix("http://") else { return false }
    let authority = url.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else { return false }
    let host =
      authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" }
    if host == "localhost" || host == "::1" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}
