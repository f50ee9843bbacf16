import JSON
import Model
import Testing

@Suite("Shares and draws of flags")
struct FlagTests {
  @Test("A percentage has at most three decimals and lies between 0 and 100")
  func percentages() {
    #expect(FlagShare(percent: 10)?.thousandths == 10_000)
    #expect(FlagShare(percent: 0.001)?.thousandths == 1)
    #expect(FlagShare(percent: 33.333)?.thousandths == 33_333)
    #expect(FlagShare(percent: 100) == .everybody)
    #expect(FlagShare(percent: 0.0005) == nil)
    #expect(FlagShare(percent: 100.001) == nil)
    #expect(FlagShare(percent: -1) == nil)
    #expect(FlagShare(percent: .nan) == nil)
    #expect(FlagShare(thousandths: 100_001) == nil)
  }

  @Test("A share is written as people read it")
  func texts() {
    #expect(FlagShare(percent: 10)?.description == "10 %")
    #expect(FlagShare(percent: 0.5)?.description == "0.5 %")
    #expect(FlagShare(percent: 0.05)?.description == "0.05 %")
    #expect(FlagShare(percent: 12.345)?.description == "12.345 %")
  }

  @Test("A draw tells what would let other people in")
  func draws() {
    let first = FlagDraw(contextKind: "user", salt: "a", order: ["on", "off"])
    #expect(first.difference(from: first) == nil)
    var everybody = first
    everybody.order = []
    #expect(everybody.difference(from: first) == nil, "one variation for everybody draws nobody anew")
    var other = first
    other.salt = "b"
    #expect(other.difference(from: first) == "the salt is another")
    other = first
    other.contextKind = "organization"
    #expect(other.difference(from: first) == "the context kind was user, now organization")
    other = first
    other.order = ["off", "on"]
    #expect(other.difference(from: first) == "the variations stood in the order on, off, now off, on")
  }

  @Test("A state survives the record")
  func coding() throws {
    let state = FlagState(
      key: "k", isOn: true, share: try #require(FlagShare(percent: 25)), draw: FlagDraw(contextKind: "user"),
      variations: [FlagVariation(id: "a", value: true), FlagVariation(id: "b", value: false)], wanted: 0,
      whenOff: 1, version: FlagVersion("42"))
    #expect(try JSON(encoding: state).decoded(as: FlagState.self) == state)
  }
}
