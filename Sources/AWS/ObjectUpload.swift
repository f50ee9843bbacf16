import HTTP

/// An object that is written in parts, of which one is in memory. It is not there until it is completed.
package struct ObjectUpload: Sendable {
  private let storage: ObjectStorage
  package let key: String
  private let id: String
  private var tags: [String] = []
  private var bytes: Int64 = 0

  /// The smallest part that is not the last, and the most parts of one object.
  package static let smallestPart = 5 << 20
  package static let mostParts = 10_000

  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package init(_ key: String, in storage: ObjectStorage) async throws {
    let answer = try await storage.send(.init("POST", key, query: [("uploads", "")])).text
    guard let id = XMLText.first("UploadId", in: answer) else {
      throw AWSRefusal(status: 200, code: "no UploadId", message: "the store does not take uploads in parts")
    }
    self.storage = storage
    self.key = key
    self.id = id
  }

  /// Writes the next part; the store compares it with its SHA-256.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package mutating func add(_ part: [UInt8]) async throws {
    let query = [("partNumber", "\(tags.count + 1)"), ("uploadId", id)]
    var call = ObjectStorage.Call("PUT", key, query: query, body: part)
    // 100 kB a second are slow, and still alive.
    call.timeout = .seconds(30 + part.count / 100_000)
    guard let tag = try await storage.send(call).header("etag") else {
      throw AWSRefusal(
        status: 200, code: "no ETag", message: "part \(tags.count + 1) may not have been stored")
    }
    tags.append(tag)
    bytes += Int64(part.count)
  }

  /// Puts the parts together: from now on the object is there, whole.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func complete() async throws {
    let parts = tags.enumerated().map {
      "<Part><PartNumber>\($0.offset + 1)</PartNumber><ETag>\($0.element)</ETag></Part>"
    }.joined()
    var call = ObjectStorage.Call(
      "POST", key, query: [("uploadId", id)],
      body: Array("<CompleteMultipartUpload>\(parts)</CompleteMultipartUpload>".utf8))
    call.timeout = .seconds(300)
    do { _ = try await storage.send(call) } catch let refusal as AWSRefusal
      where refusal.code == "NoSuchUpload"
    {
      // It was completed, and the answer was lost.
      let objects = try await storage.list(key)
      guard objects.contains(where: { $0.key == key && $0.bytes == bytes }) else { throw refusal }
    }
  }

  /// Takes everything back that was written. It is asked once and shortly: somebody may wait for the end of shipit.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func abort() async throws { try await storage.abort(key, id, within: .seconds(2), attempts: 1) }
}

extension ObjectStorage {
  /// The uploads that were begun and neither completed nor taken back, with keys that begin so.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func uploads(_ prefix: String) async throws -> [(key: String, id: String)] {
    let text = try await send(.init("GET", "", query: [("uploads", ""), ("prefix", prefix)])).text
    return XMLText.all("Upload", in: text).compactMap { upload in
      guard let key = XMLText.first("Key", in: upload), let id = XMLText.first("UploadId", in: upload) else {
        return nil
      }
      return (key, id)
    }
  }

  /// Takes an upload back; one that is not there is no error.
  /// - Throws: `AWSRefusal`, `HTTPError`, `CancellationError`.
  package func abort(
    _ key: String, _ id: String, within limit: Duration = .seconds(30), attempts: Int = ObjectStorage.attempts
  ) async throws {
    var call = Call("DELETE", key, query: [("uploadId", id)])
    call.timeout = limit
    call.attempts = attempts
    do { _ = try await send(call) } catch let refusal as AWSRefusal where refusal.code == "NoSuchUpload" {}
  }
}
