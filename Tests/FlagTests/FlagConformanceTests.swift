import Flags
import JSON
import Model
import Testing

/// What a rollout relies on, of every store.
@Suite struct `Every flag store` {
  @Test(arguments: FlagWorld.all)
  func `begins off, and serves everybody after a write that is read back`(_ world: FlagWorld) async throws {
    let bench = try await world.make()
    let before = try await bench.provider.read()
    #expect(!before.isOn)
    #expect(before.share == .nobody)
    #expect(before.whenOff != before.wanted)
    let after = try await bench.provider.set(.everybody, expected: before, note: FlagWorld.note)
    #expect(after.isOn)
    #expect(after.share == .everybody)
    #expect(after.version != before.version)
    let read = try await bench.provider.read()
    #expect(read.version == after.version)
    #expect(read.share == .everybody)
  }

  @Test(arguments: FlagWorld.all)
  func `serves shares, or says why not`(_ world: FlagWorld) async throws {
    let bench = try await world.make()
    var state = try await bench.provider.read()
    for percent in [0.5, 10, 25, 33.333] {
      guard bench.provider.servesShares else {
        await #expect(throws: FlagRefusal.self) {
          try await bench.provider.set(share(percent), expected: state, note: FlagWorld.note)
        }
        #expect(try await bench.provider.read() == state)
        continue
      }
      let next = try await bench.provider.set(share(percent), expected: state, note: FlagWorld.note)
      #expect(next.isOn)
      #expect(next.share == share(percent))
      #expect(next.draw.difference(from: state.draw) == nil)
      state = next
    }
  }

  @Test(arguments: FlagWorld.all)
  func `does nothing twice`(_ world: FlagWorld) async throws {
    let bench = try await world.make()
    let before = try await bench.provider.read()
    let first = try await bench.provider.set(.everybody, expected: before, note: FlagWorld.note)
    let second = try await bench.provider.set(.everybody, expected: first, note: FlagWorld.note)
    #expect(second.version == first.version)
    let off = try await bench.provider.off(known: first, note: FlagWorld.note)
    #expect(try await bench.provider.off(known: first, note: FlagWorld.note).version == off.version)
  }

  @Test(arguments: FlagWorld.all)
  func `is switched off from any state, and does not come back at the old share`(_ world: FlagWorld)
    async throws
  {
    let bench = try await world.make()
    let before = try await bench.provider.read()
    let steps: [FlagShare] = bench.provider.servesShares ? [share(10), .everybody] : [.everybody]
    for step in steps {
      let on = try await bench.provider.set(
        step, expected: try await bench.provider.read(), note: FlagWorld.note)
      #expect(on.isOn)
      let off = try await bench.provider.off(known: nil, note: FlagWorld.note)
      #expect(!off.isOn)
      #expect(off.share == .nobody)
      #expect(off.draw.order.isEmpty, "the rule serves one variation again")
      #expect(off.whenOff == before.whenOff)
    }
  }

  @Test(arguments: FlagWorld.all)
  func `keeps what somebody else wrote, and says so`(_ world: FlagWorld) async throws {
    let bench = try await world.make()
    let before = try await bench.provider.read()
    try await bench.changeByOther()
    let theirs = try await bench.provider.read()
    let refusal = await #expect(throws: FlagRefusal.self) {
      try await bench.provider.set(.everybody, expected: before, note: FlagWorld.note)
    }
    #expect(refusal?.code == .changedByOther)
    #expect(refusal?.found?.version == theirs.version)
    #expect(try await bench.provider.read().version == theirs.version)
  }

  @Test(arguments: FlagWorld.all)
  func `is complete when everybody gets the wanted variation without a draw`(_ world: FlagWorld) async throws
  {
    let bench = try await world.make()
    let last = try await bench.provider.set(
      .everybody, expected: try await bench.provider.read(), note: FlagWorld.note)
    let done = try await bench.provider.complete(expected: last, note: FlagWorld.note)
    #expect(done.isOn)
    #expect(done.share == .everybody)
    #expect(done.draw.order.isEmpty)
    #expect(done.whenOff == last.whenOff)
  }
}
