/// Finds all forms of all secrets in one pass over the bytes (after Aho and Corasick).
///
/// States near the root, and those where forms part, have a full row over byte classes; the long
/// single-file stretches behind them store one expected class and where to go on when it fails. So ordinary
/// text costs one look-up a byte, and a secret of many kilobytes costs little memory.
struct Automaton: Sendable {
  /// A state number, shifted left by one; the lowest bit tells that a form ends here.
  typealias State = Int32

  /// A state without a row of its own.
  struct Link: Sendable {
    var expected: Int32
    var next: State
    var otherwise: State
  }

  /// The longest form that ends in a state.
  struct Match: Sendable {
    var length: Int32
    var secret: Int32
    var reachesBack: Bool
  }

  let classes: [UInt8]
  let classCount: Int
  let rows: [State]
  let rowCount: Int
  /// The states from `rowCount` on.
  let links: [Link]
  let matches: [Match?]
  /// For each state: how many of the last bytes may yet turn out to belong to a secret.
  let held: [Int32]

  static let start: State = 0

  /// The bytes before the end that may belong to a form not complete yet.
  func heldBytes(_ state: State) -> Int { Int(held[Int(state >> 1)]) }

  /// Reads `bytes` from `state` on and reports each place where forms end, as the index after the last byte.
  func scan(
    _ bytes: UnsafeBufferPointer<UInt8>, from state: State, _ found: (_ end: Int, _ match: Match) -> Void
  ) -> State {
    var state = state
    rows.withUnsafeBufferPointer { rows in
      links.withUnsafeBufferPointer { links in
        classes.withUnsafeBufferPointer { classes in
          for index in 0..<bytes.count {
            let byteClass = Int(classes[Int(bytes[index])])
            while true {
              let number = Int(state >> 1)
              if number < rowCount {
                state = rows[number &* classCount &+ byteClass]
                break
              }
              let link = links[number &- rowCount]
              if link.expected == byteClass {
                state = link.next
                break
              }
              state = link.otherwise
            }
            if state & 1 != 0, let match = matches[Int(state >> 1)] { found(index + 1, match) }
          }
        }
      }
    }
    return state
  }
}
