import Terminal

extension StringProtocol {
  /// How many columns of a terminal the text takes.
  var columns: Int { displayWidth(of: String(self)) }

  /// The longest beginning that fits into `width` columns.
  func prefix(columns width: Int) -> SubSequence {
    var used = 0
    var end = startIndex
    while end < endIndex {
      let next = String(self[end]).columns
      if used + next > width { break }
      used += next
      end = index(after: end)
    }
    return self[..<end]
  }
}
