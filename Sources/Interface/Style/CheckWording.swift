import Model

extension Check {
  /// Where it looks and what it wants, for people: `https://a.example.com/: 200, within 500 ms, status = ok`.
  /// - Parameter addresses: what references stand for, by their text.
  package func words(_ addresses: [String: String]) -> String {
    func rendered(_ template: Template) -> String {
      template.rendered { addresses[$0.description] ?? $0.description }
    }
    switch kind {
    case .http(let url, let expect):
      return "\(rendered(url)): "
        + sentence(
          [expect.status.map(String.init) ?? "200 to 299", within(expect.within)]
            + values(expect.json)
            + expect.headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            + [samples.map { sampled($0, expect) }])
    case .websocket(let url, let send, let expect):
      return "\(rendered(url)): "
        + sentence(
          ["a WebSocket", send.map { "told \(rendered($0))" }, expect.message.map { "says \($0)" }]
            + values(expect.json) + [within(expect.within)])
    case .tcp(let address, let limit):
      return "\(rendered(address)): " + sentence(["a connection", within(limit)])
    case .tls(let address, let days):
      return "\(rendered(address)): a trusted certificate for \(count(days, "more day"))"
    case .dns(let name, let expect):
      let wants = [expect.cname.map { "a CNAME to \($0)" }] + expect.addresses.map { $0 }
      return "\(rendered(name)): " + (wants.compactMap(\.self).isEmpty ? "resolves" : sentence(wants))
    case .command(let command): return command.joined(separator: " ")
    }
  }

  private func sentence(_ parts: [String?]) -> String { parts.compactMap(\.self).joined(separator: ", ") }

  private func within(_ limit: Duration?) -> String? { limit.map { "within \($0.words)" } }

  private func values(_ json: [String: Comparison]) -> [String] {
    json.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.sign.rawValue) \($0.value.operand)" }
  }

  private func sampled(_ samples: Samples, _ expect: HTTPExpectation) -> String {
    var text = "\(samples.count) samples"
    if let p95 = expect.p95 { text += " with a p95 of \(p95.words)" }
    if let failures = expect.failures, failures > 0 { text += " and at most \(failures) wrong" }
    return text
  }
}
