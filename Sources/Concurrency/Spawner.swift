/// Starts tasks that live beside their creator. A value, so that tests can run everything on one
/// thread of their own and know when nothing is left to do.
package struct Spawner: Sendable {
  private let start: @Sendable (@escaping @Sendable () async -> Void) -> Task<Void, Never>

  package init(_ start: @escaping @Sendable (@escaping @Sendable () async -> Void) -> Task<Void, Never>) {
    self.start = start
  }

  /// Ordinary unstructured tasks.
  package static let tasks = Spawner { body in Task { await body() } }

  /// Starts a task; cancel it through what is returned.
  @discardableResult
  package func callAsFunction(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
    start(body)
  }
}
