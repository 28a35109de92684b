package pack

import "errors"

var errDelta = errors.New("a difference does not fit its base")

// readSize reads a size at the head of a difference.
func readSize(text []byte) (size int64, rest []byte, err error) {
	for at, next := range text {
		shift := 7 * at
		if shift > sizeBits {
			return 0, nil, errNumber
		}
		size |= int64(next&^more) << shift
		if next&more == 0 {
			return size, text[at+1:], nil
		}
	}
	return 0, nil, errDelta
}

// deltaSizes reads the sizes of the base and of what comes out.
func deltaSizes(delta []byte) (base, target int64, rest []byte, err error) {
	if base, rest, err = readSize(delta); err == nil {
		target, rest, err = readSize(rest)
	}
	return base, target, rest, err
}

// apply returns what comes out of a difference, which is of at most limit bytes.
func apply(base, delta []byte, limit int64) ([]byte, error) {
	from, size, steps, err := deltaSizes(delta)
	if err != nil {
		return nil, err
	}
	if from != int64(len(base)) || size > limit {
		return nil, errDelta
	}
	target := make([]byte, 0, size)
	for len(steps) > 0 {
		step := steps[0]
		var part []byte
		if step&more != 0 {
			part, steps, err = copied(base, steps)
		} else {
			part, steps, err = inserted(steps)
		}
		if err != nil {
			return nil, err
		}
		if int64(len(target)+len(part)) > size {
			return nil, errDelta
		}
		target = append(target, part...)
	}
	if int64(len(target)) != size {
		return nil, errDelta
	}
	return target, nil
}

// inserted is a step that brings its bytes along.
func inserted(steps []byte) (part, rest []byte, err error) {
	length := int(steps[0])
	if length == 0 || length > len(steps)-1 {
		return nil, nil, errDelta
	}
	return steps[1 : 1+length], steps[1+length:], nil
}

// wholeCopy is how much a copy takes whose length is zero.
const wholeCopy = 0x10000

// copied is a step that takes a part of the base. Its low bits say which bytes of offset and
// length follow.
func copied(base, steps []byte) (part, rest []byte, err error) {
	given, rest := steps[0], steps[1:]
	var number [7]byte // four of the offset, three of the length
	for bit := range number {
		if given&(1<<bit) == 0 {
			continue
		}
		if len(rest) == 0 {
			return nil, nil, errDelta
		}
		number[bit], rest = rest[0], rest[1:]
	}
	offset := int64(number[0]) | int64(number[1])<<8 | int64(number[2])<<16 | int64(number[3])<<24
	length := int64(number[4]) | int64(number[5])<<8 | int64(number[6])<<16
	if length == 0 {
		length = wholeCopy
	}
	if offset+length > int64(len(base)) {
		return nil, nil, errDelta
	}
	return base[offset : offset+length], rest, nil
}
