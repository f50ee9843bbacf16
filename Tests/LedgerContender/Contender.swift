import Concurrency
@main struct Contender { static func main() async {} }
