// Go's net: a goroutine for each connection, bufio on both sides, flushed when no more input is buffered.
// Usage: go_server [buffer bytes]
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
)

func upper(line []byte) {
	for i, c := range line {
		if 'a' <= c && c <= 'z' {
			line[i] = c - 'a' + 'A'
		}
	}
}

func serve(connection net.Conn, size int) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, size)
	writer := bufio.NewWriterSize(connection, size)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		upper(line)
		if _, err := writer.Write(line); err != nil {
			return
		}
		if reader.Buffered() == 0 && writer.Flush() != nil {
			return
		}
	}
}

func main() {
	size := 4096
	if len(os.Args) > 1 {
		size, _ = strconv.Atoi(os.Args[1])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(connection, size)
	}
}
