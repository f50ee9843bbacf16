import Model

/// A file of a copy, wherever it is kept.
struct StoredCopy: Sendable {
  let store: any BackupStore
  let file: String
  let sum: StoredSum
  /// False before it is a copy.
  let isFinished: Bool

  init(_ store: any BackupStore, _ manifest: BackupManifest) {
    self.init(store, file: manifest.file, manifest.sum, isFinished: true)
  }

  init(_ store: any BackupStore, file: String, _ sum: StoredSum, isFinished: Bool) {
    self.store = store
    self.file = file
    self.sum = sum
    self.isFinished = isFinished
  }

  /// Gives its content to what reads it from a descriptor.
  /// - Throws: `Failure`, also when it is damaged; what `consume` throws.
  func read<Value: Sendable>(
    _ consume: @escaping @Sendable (Int32) async throws -> Value
  ) async throws -> Value {
    try await store.read(file, isFinished: isFinished, expecting: sum, consume)
  }
}
