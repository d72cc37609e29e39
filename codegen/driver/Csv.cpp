//===- Csv.cpp - Samples from a CSV file ---------------------------------------===//

#include "codegen/driver/Csv.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace gradus::driver {

/// What a line holds.
enum class Line { Numbers, Words, Mixed };

static Line parseLine(StringRef line, SmallVectorImpl<double> &numbers) {
  numbers.clear();
  SmallVector<StringRef> words;
  char separator = line.contains(',') ? ',' : line.contains(';') ? ';' : line.contains('\t') ? '\t' : ' ';
  line.split(words, separator, /*MaxSplit=*/-1, /*KeepEmpty=*/separator != ' ');
  for (StringRef word : words) {
    double value;
    if (!word.trim().getAsDouble(value))
      numbers.push_back(value);
  }
  return numbers.size() == words.size() ? Line::Numbers : numbers.empty() ? Line::Words : Line::Mixed;
}

FailureOr<Table> readCsv(const std::string &path, std::string &error) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer) {
    error = "cannot read '" + path + "': " + buffer.getError().message();
    return failure();
  }
  Table table;
  SmallVector<double> numbers;
  StringRef rest = (*buffer)->getBuffer();
  rest.consume_front("\xEF\xBB\xBF"); // a byte order mark
  for (size_t number = 1; !rest.empty(); ++number) {
    auto [line, next] = rest.split('\n');
    rest = next;
    if (line.trim().empty())
      continue;
    if (Line kind = parseLine(line.trim(), numbers); kind != Line::Numbers) {
      if (number == 1 && kind == Line::Words)
        continue; // column names
      error = path + ":" + std::to_string(number) + ": expected numbers with commas between, but got '" + line.take_front(40).trim().str() + "'";
      return failure();
    }
    if (table.rows && numbers.size() != table.columns) {
      error = path + ":" + std::to_string(number) + ": expected " + std::to_string(table.columns) + " numbers as in the lines before, but got " +
              std::to_string(numbers.size());
      return failure();
    }
    table.columns = numbers.size();
    table.values.insert(table.values.end(), numbers.begin(), numbers.end());
    ++table.rows;
  }
  if (!table.rows) {
    error = path + ": expected at least one line of numbers";
    return failure();
  }
  return table;
}

} // namespace gradus::driver
