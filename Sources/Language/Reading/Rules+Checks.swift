import Model
import YAML

extension Rules {
  /// What the parts of a check say of each other.
  func checkChecks(_ reading: inout Reading) {
    for placed in fields["checks"]?.list ?? [] {
      guard let check = placed.fields, let kind = check.shape.exactlyOne.first(where: check.has) else {
        continue
      }
      checkAddress(check, kind, &reading)
      checkExpectation(check, kind, &reading)
      checkSamples(check, &reading)
    }
  }

  private func checkAddress(_ check: Fields, _ kind: String, _ reading: inout Reading) {
    guard let placed = check[kind], let template = placed.template, let read = Check(fields: check) else {
      return
    }
    // Where services will be is not known yet; this machine may be spoken to in every way.
    let address = template.rendered { reference in
      switch reference {
      case .serviceURL: "https://localhost"
      case .serviceHost: "localhost"
      default: "1"
      }
    }
    guard let mistake = read.kind.mistake(in: address) else { return }
    reading.error(
      .badText, "`\(placed.path)` \(mistake.message)", at: placed.mark, path: placed.path, help: mistake.help)
  }

  private func checkExpectation(_ check: Fields, _ kind: String, _ reading: inout Reading) {
    guard let expect = check["expect"]?.fields, let known = Grammar.expectations[kind] else { return }
    for key in expect.shape.keys where !known.contains(key.name) {
      guard let mark = expect.keyMarks[key.name] else { continue }
      let homes = Grammar.expectations.filter { $0.value.contains(key.name) }.keys.sorted()
      let help = "it belongs to \(Shape.alternatives(homes.map { "`\($0)`" }))"
      reading.error(
        .contradiction, "`\(key.name)` says nothing of `\(kind)`", at: mark,
        path: "\(expect.path).\(key.name)",
        help: "\(help); with `\(kind)` stand \(known.joined(separator: ", "))")
    }
    for name in ["p95", "failures"] where known.contains(name) && !check.has("samples") {
      guard let mark = expect.keyMarks[name] else { continue }
      reading.error(
        .contradiction, "`\(name)` is judged over samples, and there are none", at: mark,
        path: "\(expect.path).\(name)", help: "add `samples: {count: 20, every: 100ms}` to the check")
    }
    let budget = check["timeout"]?.duration ?? Check(name: "", kind: .command([])).timeout
    for name in ["within", "p95"] {
      guard let limit = expect[name], let time = limit.duration, time > budget else { continue }
      reading.error(
        .contradiction,
        "`\(name)` can never be missed: the check ends after \(Quantity.text(budget))", at: limit.mark,
        path: limit.path, help: "lower it, or raise `timeout`")
    }
    for address in expect["addresses"]?.list ?? [] {
      guard let text = address.text, text.contains("."), !text.contains(":") else { continue }
      guard text.split(separator: ".").contains(where: { UInt8($0) == nil }) else { continue }
      reading.error(
        .badText, "`\(address.path)`: `\(text)` is not an address in numbers", at: address.mark,
        path: address.path, help: TextRule.address.help)
    }
  }

  private func checkSamples(_ check: Fields, _ reading: inout Reading) {
    guard let samples = check["samples"]?.fields, let count = samples["count"]?.int else { return }
    let every = samples["every"]?.duration ?? Samples(count: count).every
    let budget = check["timeout"]?.duration ?? Check(name: "", kind: .command([])).timeout
    if every * (count - 1) >= budget {
      reading.error(
        .contradiction,
        "\(count) samples, one every \(Quantity.text(every)), take longer than the \(Quantity.text(budget)) of the check",
        at: samples.mark, path: samples.path, help: "take fewer, or raise `timeout`")
    }
    if let failures = check["expect"]?.fields?["failures"], let allowed = failures.int, allowed >= count {
      reading.error(
        .contradiction, "all of the \(count) samples may be wrong", at: failures.mark, path: failures.path,
        help: "lower `failures`, or take more samples")
    }
  }
}
