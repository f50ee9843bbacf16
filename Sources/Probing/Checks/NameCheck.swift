import Concurrency
import Model
import Names

/// Judges what a name stands for. Everything may pass: names take their time to reach every server. Pure.
struct NameJudge: Sendable, Hashable {
  let expectation: NameExpectation

  var wanted: String {
    if let cname = expectation.cname { return "a CNAME to \(cname)" }
    return expectation.addresses.isEmpty
      ? "a name that resolves"
      : "the address\(expectation.addresses.count == 1 ? "" : "es") "
        + expectation.addresses.joined(separator: ", ")
  }

  func judge(addresses: [String]) -> CheckAnswer {
    let missing = expectation.addresses.filter { !addresses.contains(SystemNames.canonical($0) ?? $0) }
    guard missing.isEmpty, !addresses.isEmpty else {
      return .fails(Sight("found \(list(addresses))", wanted: wanted, .passing))
    }
    return .holds("stands for \(list(addresses))")
  }

  /// Nil when the CNAME is as expected.
  func judge(alias: String?) -> CheckAnswer? {
    guard let wanted = expectation.cname else { return nil }
    guard let alias else { return .fails(Sight("found no CNAME", wanted: self.wanted, .passing)) }
    guard plain(alias) != plain(wanted) else { return nil }
    return .fails(Sight("found a CNAME to \(alias)", wanted: self.wanted, .passing))
  }

  func judge(_ error: NameError) -> CheckAnswer {
    let saw =
      switch error.code {
      case .notFound: "found no such name"
      case .noAnswer, .cancelled: "got no answer from a name server"
      case .other: "could not look the name up"
      }
    return .fails(Sight(saw, wanted: wanted, detail: error.message, .passing))
  }

  private func plain(_ name: String) -> String {
    let name = name.lowercased()
    return name.hasSuffix(".") ? String(name.dropLast()) : name
  }

  private func list(_ addresses: [String]) -> String {
    addresses.isEmpty ? "no address" : addresses.sorted().prefix(8).joined(separator: ", ")
  }
}

extension HealthProber {
  /// One look: asks for the name's CNAME, where one is expected, and its addresses.
  /// - Throws: `CancellationError`.
  func look(_ name: String, _ judge: NameJudge, timeout: Duration) async throws -> CheckAnswer {
    do throws(NameError) {
      if judge.expectation.cname != nil {
        if let answer = judge.judge(alias: try await names.alias(of: name, within: timeout)) { return answer }
      }
      return judge.judge(addresses: try await names.addresses(of: name, within: timeout))
    } catch {
      if error.code == .cancelled || Task.isCancelled { throw CancellationError() }
      return judge.judge(error)
    }
  }
}
