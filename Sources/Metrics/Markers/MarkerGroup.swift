package import Concurrency
package import Model

/// Every place where marks are left, at once and within a short time; none of them can stop anything
/// (contract metrics §1.10).
package struct MarkerGroup: Sendable {
  private let markers: [any RolloutMarker]
  private let clock: any TimeSource

  /// What all marks of a moment may take together.
  package static let patience = Duration.seconds(2)

  package init(_ markers: [any RolloutMarker], clock: any TimeSource) {
    self.markers = markers
    self.clock = clock
  }

  /// - Returns: what could not be left, to be told; in the order of the places.
  package func leave(_ mark: RolloutMark) async -> [Failure] {
    let found = Locked<[Int: Failure?]>([:])
    await withTaskGroup(of: Bool.self) { group in
      for (index, marker) in markers.enumerated() {
        group.addTask {
          var trouble: Failure?
          do throws(Failure) { try await marker.leave(mark) } catch { trouble = error }
          // Who is stopped below is told as too slow.
          if trouble?.kind != .cancelled { found.withLock { $0[index] = .some(trouble) } }
          return false
        }
      }
      group.addTask {
        try? await clock.sleep(for: Self.patience)
        return true
      }
      var left = markers.count
      while left > 0, let isLate = await group.next(), !isLate { left -= 1 }
      group.cancelAll()
    }
    let results = found.withLock { $0 }
    return markers.indices.compactMap { index in
      if let result = results[index] { return result }
      return Failure(
        .timeout, "\(markers[index].name) did not take the mark within \(Int(Self.patience.inSeconds)) s",
        place: markers[index].name, hint: "the rollout is not concerned; look whether it answers")
    }
  }
}
