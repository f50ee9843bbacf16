#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Feeds an input that libFuzzer made up to one reader of what others wrote: `SHIPIT_FUZZ_TARGET` names it, the
/// arguments are libFuzzer's own, and so is `main`. Built and run by `scripts/fuzz`.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  target.read(Array(UnsafeBufferPointer(start: data, count: size)))
  return 0
}

private let target: any (FuzzTarget & SendableMetatype).Type = {
  let targets: [String: any (FuzzTarget & SendableMetatype).Type] = [
    "yaml": YAMLTarget.self, "language": LanguageTarget.self, "json": JSONTarget.self,
    "railway": RailwayTarget.self, "ledger": LedgerTarget.self, "database": DatabaseTarget.self,
  ]
  let name = getenv("SHIPIT_FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = targets[name] else {
    print("SHIPIT_FUZZ_TARGET names one of \(targets.keys.sorted().joined(separator: ", "))")
    exit(2)
  }
  return target
}()

/// Something that reads untrusted bytes.
protocol FuzzTarget: Sendable {
  /// Ends the process when the bytes are read wrongly; to refuse them is right.
  static func read(_ bytes: [UInt8])
}

/// Ends the process, so that libFuzzer keeps the input.
func require(_ condition: Bool, _ words: @autoclosure () -> String) {
  guard !condition else { return }
  print("WRONG: \(words())")
  abort()
}
