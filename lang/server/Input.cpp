//===- Input.cpp - Messages as they arrive -----------------------------------===//

#include "lang/server/Input.h"

#include "llvm/ADT/StringRef.h"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

using namespace gradus::server;
using llvm::StringRef;

bool Input::fill() {
  pollfd waiting{descriptor, POLLIN, 0};
  // The rest of a message that has begun is on its way.
  if (buffer.empty() && poll(&waiting, 1, 0) == 0)
    onQuiet();
  constexpr size_t most = size_t(1) << 16;
  size_t before = buffer.size();
  buffer.resize(before + most);
  ssize_t got;
  do
    got = read(descriptor, buffer.data() + before, most);
  while (got < 0 && errno == EINTR);
  buffer.resize(before + (got > 0 ? static_cast<size_t>(got) : 0));
  isBroken = got < 0;
  isAtEnd = got <= 0;
  return got > 0;
}

bool Input::readLine(std::string &line) {
  constexpr size_t longest = 4096;
  size_t end;
  while ((end = buffer.find('\n')) == std::string::npos)
    if (buffer.size() > longest || !fill()) {
      buffer.clear();
      return false;
    }
  line = StringRef(buffer).take_front(end).rtrim('\r').str();
  buffer.erase(0, end + 1);
  return true;
}

llvm::LogicalResult Input::readStandardMessage(std::string &json) {
  uint64_t length = 0;
  for (std::string line;;) {
    if (!readLine(line))
      return llvm::failure();
    if (line.empty())
      break;
    auto [name, value] = StringRef(line).split(':');
    if (name.equals_insensitive("content-length") && value.trim().getAsInteger(10, length))
      length = 0;
  }
  while (length > 0 && buffer.size() < length)
    if (!fill())
      return llvm::failure();
  json = buffer.substr(0, length);
  buffer.erase(0, length);
  return llvm::success(length > 0);
}
