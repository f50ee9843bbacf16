import JSON
package import Model

/// Where the variable of an on/off flag is kept: a service's variables on its platform.
package protocol FlagVariable: Sendable {
  /// For people: `CHECKOUT_ENABLED of api on Railway`.
  var name: String { get }
  /// Its present value; nil when it is not set.
  func value() async throws(Failure) -> String?
  /// Writes it and makes running code see it.
  /// - Returns: what is read back.
  func write(_ value: String) async throws(FlagRefusal) -> String?
}

/// A flag that is nothing but an environment variable: all or nobody. A share cannot be served, for every caller of a
/// process reads the same value.
package struct VariableFlag: FlagProvider {
  private let variable: any FlagVariable
  private let on: String
  private let off: String

  package init(_ variable: any FlagVariable, on: String = "true", off: String = "false") {
    self.variable = variable
    self.on = on
    self.off = off
  }

  package var name: String { variable.name }
  package var servesShares: Bool { false }

  /// Why these steps cannot be served by such a flag; nil when they can: `[100]`.
  package static func objection(to steps: [FlagShare]) -> String? {
    steps.first { $0 != .everybody && $0 != .nobody }.map {
      "an environment variable is the same for every caller, so \($0) cannot be served; only `steps: [100]` can"
    }
  }

  package func read() async throws(Failure) -> FlagState { state(try await variable.value()) }

  private func state(_ value: String?) -> FlagState {
    FlagState(
      key: variable.name, isOn: value == on, share: value == on ? .everybody : .nobody,
      draw: FlagDraw(contextKind: "process", bucketBy: "none"),
      variations: [
        FlagVariation(id: "on", value: .string(on)), FlagVariation(id: "off", value: .string(off)),
      ], wanted: 0, whenOff: 1, version: FlagVersion(value.map { "=\($0)" } ?? "unset"))
  }

  package func set(
    _ share: FlagShare, expected: FlagState, note: FlagNote
  ) async throws(FlagRefusal) -> FlagState {
    if let objection = Self.objection(to: [share]) {
      throw FlagRefusal(
        .invalid,
        Failure(.configuration, objection, place: name, hint: "write `steps: [100]`, or use a flag store"))
    }
    let present = try await present()
    let isWanted = share == .everybody
    if present.isOn == isWanted, isWanted || present.version == FlagVersion("=\(off)") { return present }
    guard present.version == expected.version else { throw FlagRefusal.changed(name, expected, present) }
    return try await write(isWanted ? on : off, expected)
  }

  package func complete(expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try await set(.everybody, expected: expected, note: note)
  }

  package func off(known: FlagState?, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    let present = try await present()
    return present.version == FlagVersion("=\(off)") ? present : try await write(off, present)
  }

  private func present() async throws(FlagRefusal) -> FlagState {
    do throws(Failure) { return try await read() } catch { throw FlagRefusal(.unreachable, error) }
  }

  private func write(_ value: String, _ expected: FlagState) async throws(FlagRefusal) -> FlagState {
    let found = try await variable.write(value)
    guard found == value else { throw FlagRefusal.changed(name, expected, state(found)) }
    return state(found)
  }
}
