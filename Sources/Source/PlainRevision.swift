import Crypto
import Dispatch
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The revision of a project outside of git.
enum PlainRevision {
  static func of(
    _ sources: [(path: String, include: [String])], packer: CommitPacker
  ) async throws(Failure) -> String {
    let hash = SHA256()
    for source in sources.sorted(by: { $0.path < $1.path }) {
      let packed = try await packer.pack(path: source.path, root: nil, include: source.include, commit: "")
      unlink(packed.file)
      hash.update(Array("\(source.path.utf8.count) \(source.path) \(packed.digest) ".utf8))
    }
    return hash.finish().hex
  }
}

/// Runs blocking work on a thread of its own kind, away from the cooperative pool.
func offPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
  }
}
