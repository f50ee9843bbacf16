/// A way to set text apart. Styles can be nested.
package enum TextStyle: Sendable, CaseIterable {
  case bold, dim, red, green, yellow, blue, cyan

  /// The text between the sequences that begin and end the style; as it is when colours are not wanted.
  package func applied(to text: String, isColoured: Bool = true) -> String {
    guard isColoured, !text.isEmpty else { return text }
    let (begin, end) = ("\u{1B}[\(codes.begin)m", "\u{1B}[\(codes.end)m")
    // An inner style that ends the same way must not end the outer one.
    return begin + text.replacing(end, with: end + begin) + end
  }

  private var codes: (begin: Int, end: Int) {
    switch self {
    case .bold: (1, 22)
    case .dim: (2, 22)
    case .red: (31, 39)
    case .green: (32, 39)
    case .yellow: (33, 39)
    case .blue: (34, 39)
    case .cyan: (36, 39)
    }
  }
}
