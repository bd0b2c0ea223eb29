//! echospec
