import Concurrency
import Dispatch

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A pipe between children, or between a child and this process. Reading and writing block on a thread of its own, never
/// one of the cooperative pool. No child inherits an end that it is not given.
package final class Pipe: Sendable {
  private let ends: Locked<(reading: Int32, writing: Int32)>
  // One for each end: a read waits for a write.
  private let readingQueue = DispatchQueue(label: "pipe.reading")
  private let writingQueue = DispatchQueue(label: "pipe.writing")

  /// - Throws: `ProcessError` when the process has no descriptor left.
  package init() throws { ends = Locked(try ChildDescriptors.pipe()) }

  deinit {
    closeReading()
    closeWriting()
  }

  /// For a child's standard input; below 0 when it is closed.
  package var reading: Int32 { ends.withLock { $0.reading } }
  /// For a child's standard output; below 0 when it is closed.
  package var writing: Int32 { ends.withLock { $0.writing } }

  /// Ends whoever still writes, at their next byte.
  package func closeReading() {
    ends.withLock { ends in
      if ends.reading >= 0 { Descriptor.close(ends.reading) }
      ends.reading = -1
    }
  }

  /// Whoever reads comes to the end once every child that was given this end has gone too.
  package func closeWriting() {
    ends.withLock { ends in
      if ends.writing >= 0 { Descriptor.close(ends.writing) }
      ends.writing = -1
    }
  }

  /// Reads until there are so many bytes.
  /// - Returns: fewer at the end, none after it.
  package func read(_ count: Int) async -> [UInt8] {
    let descriptor = reading
    guard descriptor >= 0 else { return [] }
    return await withCheckedContinuation { continuation in
      readingQueue.async {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
          while filled < count {
            let rest = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
            let got = Descriptor.read(descriptor, rest)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return }
            filled += got
          }
        }
        continuation.resume(returning: bytes)
      }
    }
  }

  /// Writes all of it.
  /// - Returns: false when nobody reads any more.
  package func write(_ bytes: [UInt8]) async -> Bool {
    let descriptor = writing
    guard descriptor >= 0 else { return false }
    return await withCheckedContinuation { continuation in
      writingQueue.async {
        let isWritten = bytes.withUnsafeBytes { all in
          var done = 0
          while done < all.count {
            let count = Descriptor.write(descriptor, UnsafeRawBufferPointer(rebasing: all[done...]))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
          }
          return true
        }
        continuation.resume(returning: isWritten)
      }
    }
  }
}

extension Pipe {
  private enum End<Made: Sendable, Used: Sendable>: Sendable {
    case made(Result<Made, any Error>)
    case used(Result<Used, any Error>)
  }

  /// Runs both sides of a pipe together: what `produce` writes is what `consume` reads. What `consume` leaves unread is
  /// read all the same, for whoever writes must come to its end.
  /// - Throws: of two failures the first, which is the cause of the other; `CancellationError`.
  package static func join<Made: Sendable, Used: Sendable>(
    _ produce: @escaping @Sendable (Pipe) async throws -> Made,
    to consume: @escaping @Sendable (Pipe) async throws -> Used
  ) async throws -> (made: Made, used: Used) {
    let pipe = try Pipe()
    let result = await withTaskGroup(of: End<Made, Used>.self) {
      group -> Result<(made: Made, used: Used), any Error> in
      group.addTask {
        do { return .made(.success(try await produce(pipe))) } catch { return .made(.failure(error)) }
      }
      group.addTask {
        do {
          let used = try await consume(pipe)
          while !(await pipe.read(64 << 10)).isEmpty {}
          return .used(.success(used))
        } catch { return .used(.failure(error)) }
      }
      var (made, used): (Made?, Used?)
      var failure: (any Error)?
      for await end in group {
        // Closed here, not by the sides: so the first failure is the one that came first.
        switch end {
        case .made(let result):
          pipe.closeWriting()
          do { made = try result.get() } catch { failure = failure ?? error }
        case .used(let result):
          pipe.closeReading()
          do { used = try result.get() } catch { failure = failure ?? error }
        }
        if failure != nil { group.cancelAll() }
      }
      if let failure { return .failure(failure) }
      guard let made, let used else { return .failure(CancellationError()) }
      return .success((made, used))
    }
    return try result.get()
  }
}
