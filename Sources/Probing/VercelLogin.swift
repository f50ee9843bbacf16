import HTTP
import Model

/// Vercel's answer to visitors whom its deployment protection keeps out: a redirect to its login, or the login's own
/// page, which may come with 200 (contract vercel §8). It says nothing of what is deployed.
enum VercelLogin {
  /// Whether this is that answer and not the application's.
  static func isAnswered(_ response: HTTPResponse) -> Bool {
    if let location = response.header("location"), isVercel(location) { return true }
    if response.header("set-cookie")?.contains("_vercel_sso_nonce=") == true { return true }
    guard response.status == 401 || (200..<300).contains(response.status) else { return false }
    let text = response.text.prefix(64 << 10).lowercased()
    let isPage =
      response.header("content-type")?.lowercased().hasPrefix("text/html") ?? text.contains("<html")
    guard isPage else { return false }
    if text.contains("vercel.com/sso-api") { return true }
    guard let title = title(in: text) else { return false }
    return (title.hasPrefix("authentication required") && text.contains("vercel"))
      || (title.hasPrefix("log") && title.hasSuffix("vercel"))
  }

  /// An address of vercel.com itself; those of deployments end in vercel.app.
  private static func isVercel(_ location: String) -> Bool {
    let rest = location.split(separator: "://", maxSplits: 1).last ?? ""
    let host = rest.prefix { $0 != "/" && $0 != ":" && $0 != "?" }.lowercased()
    return location.contains("://") && (host == "vercel.com" || host == "www.vercel.com")
  }

  private static func title(in text: String) -> Substring? {
    guard let start = text.firstRange(of: "<title>"),
      let end = text[start.upperBound...].firstRange(of: "</title>")
    else { return nil }
    return text[start.upperBound..<end.lowerBound]
  }

  /// What that means, and the way to a proof.
  /// - Parameter hasKey: the request carried a key that ought to pass the protection.
  static func failure(_ request: ProofRequest, url: String, hasKey: Bool) -> Failure {
    let service = request.target.service
    let project = request.target.name
    let settings = "vercel.com → \(project) → Settings → Deployment Protection"
    if request.isDark {
      return Failure(
        .failed,
        "Vercel's login answers instead of the staged \(service): its deployment protection was not passed",
        place: url,
        cause: hasKey
          ? "the project's key of Protection Bypass for Automation was sent, and not accepted"
          : "the project tells of no protection that a key of Protection Bypass for Automation would pass",
        hint:
          "\(settings): renew the key under “Protection Bypass for Automation” (without one shipit makes one), "
          + "and use no password or trusted addresses; then deploy again")
    }
    return Failure(
      .failed,
      "Vercel's login answers instead of \(service): its deployment protection keeps its visitors out",
      place: url,
      cause:
        "a key of Protection Bypass for Automation passes it for staged deployments; what users get is asked without",
      hint: "\(settings): “Standard Protection” leaves production's domains public; "
        + "or set `health.url` to a domain that is")
  }
}
