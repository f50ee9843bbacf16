import FoundationEssentials

/// Small files, whole.
enum FileBytes {
  /// The content of a file; nil when it cannot be read.
  static func read(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map { Array($0) }
  }
}
