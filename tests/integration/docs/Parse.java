import com.sun.source.util.JavacTask;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Parses one file without resolving a name; statements alone are taken as a method's body. */
public class Parse {
    public static void main(String[] arguments) throws Exception {
        String text = Files.readString(Path.of(arguments[0]));
        String whole = text.contains("class ") ? text : "class Snippet { void run() { " + text + " } }";
        JavaFileObject source = new SimpleJavaFileObject(
                Path.of(arguments[0]).toUri(), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return whole;
            }
        };
        DiagnosticCollector<JavaFileObject> faults = new DiagnosticCollector<>();
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        ((JavacTask) compiler.getTask(null, null, faults, null, null, List.of(source))).parse();
        faults.getDiagnostics().forEach(System.err::println);
        System.exit(faults.getDiagnostics().isEmpty() ? 0 : 1);
    }
}
