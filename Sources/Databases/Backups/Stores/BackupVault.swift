import AWS
import Concurrency
import Crypto
import FoundationEssentials
import HTTP
package import Model
import Processes

/// A bucket with the copies of one database. One part of a copy is in memory at a time, and none on the disk.
package struct BackupVault: BackupStore {
  private let storage: ObjectStorage
  /// What keys begin with, with its slash.
  private let folder: String
  private let names: BackupNames
  package let place: String

  init(_ bucket: BackupBucket, app: String, _ storage: ObjectStorage, _ names: BackupNames) {
    self.storage = storage
    self.names = names
    folder = (bucket.prefix.isEmpty ? "" : bucket.prefix + "/") + app + "/"
    place = "\(bucket.address)/\(app)"
  }

  private func key(_ file: String) -> String { folder + file }
  private func manifest(_ id: String) -> String { key("\(id).json") }

  package func all() async throws(Failure) -> [BackupManifest] {
    try await reaching("read") {
      var found: [BackupManifest] = []
      for object in try await storage.list(folder + names.prefix) where object.key.hasSuffix(".json") {
        guard names.id(ofFile: String(object.key.dropFirst(folder.count))) != nil else { continue }
        let bytes = try await storage.get(object.key)
        if let manifest = try? JSONDecoder().decode(BackupManifest.self, from: Data(bytes)) {
          found.append(manifest)
        }
      }
      return names.own(found)
    }
  }

  package func begin() async throws(Failure) {
    try await reaching("written to") {
      let keys = try await storage.list(folder + names.prefix).map(\.key)
      let known = Set(keys)
      for key in keys where !key.hasSuffix(".json") {
        guard let id = names.id(ofFile: String(key.dropFirst(folder.count))), !known.contains(manifest(id))
        else { continue }
        try await storage.delete(key)
      }
      for upload in try await storage.uploads(folder + names.prefix)
      where names.id(ofFile: String(upload.key.dropFirst(folder.count))) != nil {
        try await storage.abort(upload.key, upload.id)
      }
    }
  }

  package func write(
    _ file: String, expected: Int64, _ produce: @escaping @Sendable (Int32) async throws -> Void
  ) async throws -> StoredSum {
    let upload = try await reaching("written to") { try await ObjectUpload(key(file), in: storage) }
    // Some stores want all parts but the last of one size.
    let size = max(8 << 20, Int(expected) / (ObjectUpload.mostParts * 9 / 10))
    do {
      let (whole, sum) = try await Pipe.join({ pipe in try await produce(pipe.writing) }) { pipe in
        try await fill(upload, from: pipe, parts: size)
      }.used
      guard sum.bytes > 0 else {
        await takeBack(upload)
        return sum
      }
      try await reaching("written to") { try await whole.complete() }
      return sum
    } catch {
      await takeBack(upload)
      throw error
    }
  }

  private func fill(
    _ begun: ObjectUpload, from pipe: Pipe, parts size: Int
  ) async throws -> (ObjectUpload, StoredSum) {
    var upload = begun
    let hash = SHA256()
    var bytes: Int64 = 0
    while true {
      let part = await pipe.read(size)
      try Task.checkCancellation()
      guard !part.isEmpty else { return (upload, StoredSum(hex: hash.finish().hex, bytes: bytes)) }
      hash.update(part)
      bytes += Int64(part.count)
      upload = try await reaching("written to") { [upload] in
        var next = upload
        try await next.add(part)
        return next
      }
    }
  }

  /// Also after an interruption, in which every request would be refused; what stays, the next backup takes back.
  private func takeBack(_ upload: ObjectUpload) async {
    await Task { try? await upload.abort() }.value
  }

  package func read<Value: Sendable>(
    _ file: String, isFinished: Bool, expecting sum: StoredSum,
    _ consume: @escaping @Sendable (Int32) async throws -> Value
  ) async throws -> Value {
    let read = try await Pipe.join({ pipe in try await fetch(file, into: pipe) }) { pipe in
      try await consume(pipe.reading)
    }
    guard read.made == sum else { throw names.damaged(file, at: place, is: read.made, was: sum) }
    return read.used
  }

  private func fetch(_ file: String, into pipe: Pipe) async throws -> StoredSum {
    try await reaching("read") {
      let hash = SHA256()
      var bytes: Int64 = 0
      try await storage.read(key(file)) { piece in
        hash.update(piece)
        bytes += Int64(piece.count)
        // Whoever reads says why it ended.
        guard await pipe.write(piece) else { throw CancellationError() }
      }
      return StoredSum(hex: hash.finish().hex, bytes: bytes)
    }
  }

  package func finish(_ manifest: BackupManifest) async throws(Failure) {
    try await reaching("written to") {
      try await storage.put(self.manifest(manifest.id), Array(try manifest.encoded()))
    }
  }

  package func discard(_ file: String) async {
    await Task { try? await storage.delete(key(file)) }.value
  }

  package func remove(_ manifest: BackupManifest) async throws(Failure) {
    try await reaching("written to") {
      // First what says that it is a copy.
      try await storage.delete(self.manifest(manifest.id))
      try await storage.delete(key(manifest.file))
    }
  }

  // MARK: Trouble

  /// - Parameter verb: what cannot be done: `read`, `written to`.
  private func reaching<Value>(
    _ verb: String, _ work: () async throws -> Value
  ) async throws(Failure) -> Value {
    do { return try await work() } catch let failure as Failure { throw failure } catch let refusal
      as AWSRefusal
    {
      throw failure(refusal, verb)
    } catch let error as HTTPError {
      throw Failure(
        error.code == .cancelled ? .cancelled : error.code == .timeout ? .timeout : .failed,
        "the bucket for backups cannot be \(verb)", place: place, cause: error.message,
        hint: "see whether \(storage.place.endpoint) is up and can be reached from here")
    } catch is CancellationError {
      throw Failure(.cancelled, "the bucket for backups was not asked to the end", place: place)
    } catch {
      throw Failure(.failed, "the bucket for backups cannot be \(verb)", place: place, cause: "\(error)")
    }
  }

  private func failure(_ refusal: AWSRefusal, _ verb: String) -> Failure {
    let to = "databases.\(names.database).backup.to"
    if refusal.code == "NoSuchBucket" {
      return Failure(
        .configuration, "there is no bucket \(storage.place.bucket) at \(storage.place.endpoint)",
        place: place,
        cause: refusal.description, hint: "make it, or correct \(to); shipit makes none: its policy is yours")
    }
    if ["PermanentRedirect", "AuthorizationHeaderMalformed"].contains(refusal.code) {
      return Failure(
        .configuration, "the bucket for backups is not in \(storage.place.region)", place: place,
        cause: refusal.description, hint: "correct `region=` in \(to)")
    }
    if refusal.isAboutAccess {
      return Failure(
        .authentication, "the bucket for backups refuses to be \(verb)", place: place,
        cause: refusal.description,
        hint: refusal.code == "RequestTimeTooSkewed"
          ? "this machine's clock is off: timedatectl"
          : "whose key it is: aws sts get-caller-identity; its policy needs s3:ListBucket, "
            + "s3:ListBucketMultipartUploads, s3:GetObject, s3:PutObject, s3:DeleteObject and "
            + "s3:AbortMultipartUpload")
    }
    return Failure(
      .failed, "the bucket for backups cannot be \(verb)", place: place, cause: refusal.description,
      hint: refusal.isTransient ? "it is on the store's side: try again in a moment" : nil)
  }
}
