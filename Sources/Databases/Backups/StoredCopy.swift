import Model
import Processes

/// A file of a copy, wherever it is kept, and however.
struct StoredCopy: Sendable {
  let store: any BackupStore
  let file: String
  let sum: StoredSum
  /// False before it is a copy.
  let isFinished: Bool
  /// Nil: it is not encrypted.
  let cipher: AgeCipher?

  /// - Throws: `configuration` when it is encrypted and there is no key here.
  init(_ store: any BackupStore, _ manifest: BackupManifest, _ cipher: AgeCipher?) throws(Failure) {
    if let cipher, cipher.key == nil { throw cipher.noKey }
    self.init(store, file: manifest.file, manifest.sum, cipher, isFinished: true)
  }

  init(_ store: any BackupStore, file: String, _ sum: StoredSum, _ cipher: AgeCipher?, isFinished: Bool) {
    self.store = store
    self.file = file
    self.sum = sum
    self.cipher = cipher
    self.isFinished = isFinished
  }

  /// Gives its content to what reads it from a descriptor.
  /// - Parameter limit: how long decrypting it may take.
  /// - Throws: `Failure`, also when it is damaged; what `consume` throws.
  func read<Value: Sendable>(
    limit: Duration, _ consume: @escaping @Sendable (Int32) async throws -> Value
  ) async throws -> Value {
    try await store.read(file, isFinished: isFinished, expecting: sum) { input in
      guard let cipher else { return try await consume(input) }
      return try await Pipe.join({ pipe in
        try await cipher.decrypt(from: input, to: pipe.writing, limit: limit)
      }) { pipe in try await consume(pipe.reading) }.used
    }
  }

  /// Reads back what is stored; what is in it stays unknown.
  /// - Throws: `Failure` when it is damaged.
  func readBack() async throws {
    try await store.read(file, isFinished: isFinished, expecting: sum) { _ in }
  }
}

extension BackupStore {
  /// Writes a copy, encrypted where that is wanted.
  /// - Parameters:
  ///   - magic: what a copy begins with.
  ///   - make: writes it to a descriptor.
  /// - Throws: `Failure`, also when nothing is written or something else; what `make` throws.
  func write(
    _ file: String, expected: Int64, magic: String, _ cipher: AgeCipher?, limit: Duration,
    _ make: @escaping @Sendable (Int32) async throws -> Void
  ) async throws -> StoredSum {
    guard let cipher else { return try await write(file, expected: expected, make) }
    return try await write(file, expected: expected) { output in
      _ = try await Pipe.join({ plain in try await make(plain.writing) }) { plain in
        // What nobody reads again is looked at on the way: the encrypted nothing is not empty.
        try await Pipe.join({ checked in
          var piece = await plain.read(256 << 10)
          guard piece.starts(with: magic.utf8) else { throw NoCopy() }
          while !piece.isEmpty {
            guard await checked.write(piece) else { throw CancellationError() }
            piece = await plain.read(256 << 10)
          }
        }) { checked in try await cipher.encrypt(from: checked.reading, to: output, limit: limit) }
      }
    }
  }
}

/// What was made is nothing, or something else.
struct NoCopy: Error {}
