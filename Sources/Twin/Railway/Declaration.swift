import GraphQL

/// Our own declaration, in GraphQL's schema language, of that part of Railway's API which the twin
/// answers. A test holds it against the platform's introspection when the contracts are present.
package enum RailwayDeclaration {
  /// The whole declaration.
  package static let text = [operations, objects, connections, inputs, creating].joined(separator: "\n\n")

  /// Read once: every twin of a process shares it.
  static let schema = Result { try Schema(sdl: text) }
}
