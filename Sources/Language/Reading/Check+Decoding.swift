import Model

extension Check {
  /// A check as it was written; nil when something of it was refused.
  init?(fields: Fields) {
    guard let name = fields["name"]?.text, let kind = Check.Kind(fields: fields) else { return nil }
    self.init(name: name, kind: kind)
    if let timeout = fields["timeout"]?.duration { self.timeout = timeout }
    guard let written = fields["samples"]?.fields, let count = written["count"]?.int else { return }
    var samples = Samples(count: count)
    if let every = written["every"]?.duration { samples.every = every }
    self.samples = samples
  }
}

extension Check.Kind {
  fileprivate init?(fields: Fields) {
    let expect = fields["expect"]?.fields
    let within = expect?["within"]?.duration
    if let url = fields["http"]?.template {
      self = .http(
        url: url,
        expect: HTTPExpectation(
          status: expect?["status"]?.int, within: within, json: Check.comparisons(expect?["json"]),
          headers: Check.texts(expect?["headers"]), p95: expect?["p95"]?.duration,
          failures: expect?["failures"]?.int))
    } else if let url = fields["websocket"]?.template {
      self = .websocket(
        url: url, send: fields["send"]?.template,
        expect: MessageExpectation(
          message: expect?["message"]?.text, json: Check.comparisons(expect?["json"]), within: within))
    } else if let address = fields["tcp"]?.template {
      self = .tcp(address: address, within: within)
    } else if let address = fields["tls"]?.template {
      self = .tls(address: address, days: expect?["days"]?.int ?? Check.standardDays)
    } else if let name = fields["dns"]?.template {
      self = .dns(
        name: name,
        expect: NameExpectation(
          addresses: expect?["addresses"]?.list.compactMap(\.text) ?? [], cname: expect?["cname"]?.text))
    } else if let command = fields["run"]?.list.compactMap(\.text) {
      self = .command(command)
    } else {
      return nil
    }
  }
}

extension Check {
  /// `days` where nothing is written.
  fileprivate static let standardDays = 14

  fileprivate static func texts(_ placed: Placed?) -> [String: String] {
    Dictionary(
      (placed?.map ?? []).compactMap { entry in entry.value.text.map { (entry.key, $0) } },
      uniquingKeysWith: { _, last in last })
  }

  fileprivate static func comparisons(_ placed: Placed?) -> [String: Comparison] {
    texts(placed).compactMapValues { try? Comparison(parsing: $0) }
  }
}
